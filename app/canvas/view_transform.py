"""How the photo lies in the canvas: zoom and position as one immutable value, Qt-free.

Convention
----------
View points are device pixels of the canvas with (0, 0) at its top-left corner. Image points follow
`icface.face.geometry`:
the centre of the top-left pixel is (0, 0), so the image spans -0.5 .. width - 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MIN_SCALE, MAX_SCALE = 1 / 64, 32.0
Size = tuple[int, int]
"""width, height"""


@dataclass(frozen=True, slots=True)
class ViewTransform:
    """Zoom and position of an image in a view.

    Attributes
    ----------
    image, view : (int, int)
        Width and height in image pixels and in device pixels.
    scale : float
        Device pixels per image pixel.
    left, top : float
        Device position of the image's top-left corner; whole numbers, so that pixels meet pixels at
        100 %.
    """

    image: Size
    view: Size
    scale: float
    left: float
    top: float

    @classmethod
    def fitted(cls, image: Size, view: Size, *, margin: int = 0) -> ViewTransform:
        """Fit the whole image in the middle of the view, enlarged at most four times."""
        room = (max(view[0] - 2 * margin, 16), max(view[1] - 2 * margin, 16))
        scale = min(room[0] / image[0], room[1] / image[1], 4.0)
        return cls(image, view, scale, 0.0, 0.0).settled()

    def settled(self) -> ViewTransform:
        """Snap to whole device pixels; a small image is centred, a large one leaves no gaps."""

        def settle(position: float, image: int, view: int) -> float:
            size = image * self.scale
            if size <= view:
                return float(round((view - size) / 2))
            return float(round(min(max(position, view - size - view / 2), view / 2)))

        left = settle(self.left, self.image[0], self.view[0])
        return replace(self, left=left, top=settle(self.top, self.image[1], self.view[1]))

    def zoomed(self, scale: float, about: tuple[float, float]) -> ViewTransform:
        """Zoom about the view point `about`, as far as `settled` allows."""
        scale = min(max(scale, MIN_SCALE), MAX_SCALE)
        ratio = scale / self.scale
        left = about[0] - (about[0] - self.left) * ratio
        top = about[1] - (about[1] - self.top) * ratio
        return replace(self, scale=scale, left=left, top=top).settled()

    def panned(self, across: float, down: float) -> ViewTransform:
        """Moved by device pixels."""
        return replace(self, left=self.left + across, top=self.top + down).settled()

    def resized(self, view: Size) -> ViewTransform:
        """The same zoom about the same image point in the middle of a view of another size."""
        across, down = (view[0] - self.view[0]) / 2, (view[1] - self.view[1]) / 2
        return replace(self, view=view, left=self.left + across, top=self.top + down).settled()

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """The image point under a view point."""
        return (x - self.left) / self.scale - 0.5, (y - self.top) / self.scale - 0.5

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """The view point of an image point."""
        return (x + 0.5) * self.scale + self.left, (y + 0.5) * self.scale + self.top

    @property
    def target(self) -> tuple[int, int, int, int]:
        """Left, top, width, height of the whole image in the view, whole device pixels."""
        left, top = round(self.left), round(self.top)
        return (
            left,
            top,
            max(round(self.image[0] * self.scale), 1),
            max(round(self.image[1] * self.scale), 1),
        )

    @property
    def needed_side(self) -> int:
        """Long side, in pixels, of a picture that fills the target without enlargement.

        It is at most the image's own.
        """
        return min(max(self.target[2:]), max(self.image))
