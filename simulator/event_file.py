"""An event file for TensorBoard: scalars, pictures and texts, each with a step and a time.

Needs the extra ``tracking``. Written without a thread and without the time of day, so that equal runs give equal bytes.
"""

from __future__ import annotations

import struct
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.plugins.text.metadata import create_summary_metadata
from tensorboard.summary.writer.record_writer import RecordWriter

from analysis.runs import RunError

NAME = "events.out.tfevents.0.hetedge"
"""TensorBoard takes every file with ``tfevents`` in its name, and reads several in the order of their names."""


class EventFile:
    """Writes one event file.

    Args:
        folder: Where it is made, with the folders above it.

    Raises:
        RunError: It cannot be written; so does every method.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        except OSError as error:
            raise self._failed(error) from error
        self._records = RecordWriter(self._file)
        self._write(Event(wall_time=0.0, file_version="brain.Event:2"))

    def scalar(self, tag: str, step: int, time_s: float, value: float) -> None:
        """Write a number; TensorBoard keeps it as float32, and its time as float64."""
        self._add(step, time_s, Summary.Value(tag=tag, simple_value=value))

    def picture(self, tag: str, step: int, time_s: float, png: bytes) -> None:
        """Write a picture, given as a PNG file."""
        # A PNG file begins with its signature and the chunk that tells width and height.
        width, height = struct.unpack(">II", png[16:24])
        image = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=png)
        self._add(step, time_s, Summary.Value(tag=tag, image=image))

    def text(self, tag: str, step: int, time_s: float, markdown: str) -> None:
        """Write a text in Markdown."""
        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
        tensor = TensorProto(dtype="DT_STRING", string_val=[markdown.encode()], tensor_shape=shape)
        metadata: SummaryMetadata = create_summary_metadata(display_name="", description="")
        self._add(step, time_s, Summary.Value(tag=tag, metadata=metadata, tensor=tensor))

    def flush(self) -> None:
        """Let readers see what was written."""
        try:
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Write the rest and close the file."""
        try:
            self._file.close()
        except OSError as error:
            raise self._failed(error) from error

    def _add(self, step: int, time_s: float, value: Summary.Value) -> None:
        self._write(Event(wall_time=time_s, step=step, summary=Summary(value=[value])))

    def _write(self, event: Event) -> None:
        try:
            self._records.write(event.SerializeToString())
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> RunError:
        return RunError(f"{self.path}: cannot be written: {error.strerror or error}")
