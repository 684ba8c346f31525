"""The first frame of a video, through PyAV; in the worker process only.

The format is given and never guessed by the library: playlists and the like, which make a
decoder open other files or addresses, are no videos here.
"""

from typing import BinaryIO

import av
from av.container import InputContainer
from PIL import Image

PATIENCE = 300  # packets until the first frame
NOWHERE = {"protocol_whitelist": "none"}  # what a container refers to is not fetched


def first_frame(file: BinaryIO, form: str, most: int) -> Image.Image | None:
    """The first picture of a video of at most `most` pixels, upright; None: there is none."""
    av.logging.set_level(None)
    with av.open(file, "r", format=form, options=NOWHERE) as container:
        if not container.streams.video:
            return None
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        if stream.codec_context.width * stream.codec_context.height > most:
            raise MemoryError
        frame = _decoded(container, stream)
        if frame is None or frame.width * frame.height > most:
            return None
        return _upright(frame, stream)


def _decoded(container: InputContainer, stream: av.VideoStream) -> av.VideoFrame | None:
    for number, packet in enumerate(container.demux(stream)):
        if number > PATIENCE:
            break
        for frame in packet.decode():
            if isinstance(frame, av.VideoFrame):
                return frame
    return None


def _upright(frame: av.VideoFrame, stream: av.VideoStream) -> Image.Image:
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    if (ratio := stream.sample_aspect_ratio) and 0.1 < ratio < 10:
        image = image.resize((max(1, round(image.width * ratio)), image.height))
    return image.rotate(frame.rotation, expand=True) if frame.rotation % 360 else image
