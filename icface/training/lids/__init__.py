"""Training of the lid retoucher: what a drawn closed lid lacks of a photographed one."""
