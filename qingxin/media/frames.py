"""The first frame of a video, through OpenCV's FFmpeg; in the worker process only.

The format is given and never guessed by the library: playlists and the like, which make a
decoder open other files or addresses, are no videos here. FFmpeg gets an open file and may
open nothing by itself.
"""

import os
from typing import BinaryIO

import cv2
from PIL import Image

PACKETS = 4096  # of sound and the like, passed over until the first frame
PATIENCE = 300  # packets of the picture that may fail to be one
os.environ["OPENCV_FFMPEG_READ_ATTEMPTS"] = str(PACKETS)
os.environ["OPENCV_FFMPEG_DECODE_ATTEMPTS"] = str(PATIENCE)
os.environ["OPENCV_LOG_LEVEL"] = "SILENT"
OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # read anew whenever a file is opened
PLAIN = [
    *(cv2.CAP_PROP_N_THREADS, 1),
    *(cv2.CAP_PROP_HW_ACCELERATION, cv2.VIDEO_ACCELERATION_NONE),
]

cv2.setNumThreads(1)


def first_frame(file: BinaryIO, form: str, most: int) -> Image.Image | None:
    """The first picture of a video of at most `most` pixels, upright; None: there is none."""
    os.environ[OPTIONS] = _options(form, file.fileno())
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # where the file is, whatever its buffer says
    capture = cv2.VideoCapture("fd:", cv2.CAP_FFMPEG, PLAIN)
    try:
        return _read(capture, most) if capture.isOpened() else None
    finally:
        capture.release()


def _options(form: str, descriptor: int) -> str:
    """The one protocol allowed reads the file that is open; what that refers to stays closed."""
    options = {"input_format": form, "protocol_whitelist": "fd", "fd": descriptor}
    return "|".join(f"{name};{value}" for name, value in options.items())


def _read(capture: cv2.VideoCapture, most: int) -> Image.Image | None:
    size = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if size > most:
        raise MemoryError
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    found, frame = capture.read()
    if not found:
        return None
    height, width = frame.shape[:2]
    if width * height > most:
        return None
    image = Image.frombuffer("RGB", (width, height), frame, "raw", "BGR", 0, 1)
    return _in_proportion(image, capture)


def _in_proportion(image: Image.Image, capture: cv2.VideoCapture) -> Image.Image:
    """As wide as it was meant, where its pixels are no squares. It has been turned already."""
    across, down = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    if not (across > 0 and down > 0 and 0.1 < across / down < 10) or across == down:
        return image
    ratio = across / down
    if capture.get(cv2.CAP_PROP_ORIENTATION_META) % 180:
        return image.resize((image.width, max(1, round(image.height * ratio))))
    return image.resize((max(1, round(image.width * ratio)), image.height))
