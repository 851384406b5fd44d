"""What the window and its lasting worker say to one another: plain values, nothing that needs Qt or torch.

Every request ends with exactly one of :class:`Result` and :class:`Failed`.
"""

from __future__ import annotations

from studio.jobs.reports import Encoded as Encoded
from studio.jobs.reports import Exported as Exported
from studio.jobs.reports import Failed as Failed
from studio.jobs.reports import FailureKind as FailureKind
from studio.jobs.reports import Followed as Followed
from studio.jobs.reports import FollowedShape as FollowedShape
from studio.jobs.reports import ModelFacts as ModelFacts
from studio.jobs.reports import Predicted as Predicted
from studio.jobs.reports import PredictedShape as PredictedShape
from studio.jobs.reports import PredictionDone as PredictionDone
from studio.jobs.reports import Progress as Progress
from studio.jobs.reports import Report as Report
from studio.jobs.reports import Result as Result
from studio.jobs.reports import Segmented as Segmented
from studio.jobs.reports import Started as Started
from studio.jobs.reports import Surveyed as Surveyed
from studio.jobs.reports import Takeover as Takeover
from studio.jobs.reports import TrackingDone as TrackingDone
from studio.jobs.reports import Validated as Validated
from studio.jobs.reports import Weighed as Weighed
from studio.jobs.requests import Cancel as Cancel
from studio.jobs.requests import DrawnBox as DrawnBox
from studio.jobs.requests import Encode as Encode
from studio.jobs.requests import Export as Export
from studio.jobs.requests import Inspect as Inspect
from studio.jobs.requests import MarkedShape as MarkedShape
from studio.jobs.requests import Outline as Outline
from studio.jobs.requests import Predict as Predict
from studio.jobs.requests import Request as Request
from studio.jobs.requests import Segment as Segment
from studio.jobs.requests import Survey as Survey
from studio.jobs.requests import Track as Track
from studio.jobs.requests import TrackMethod as TrackMethod
from studio.jobs.requests import Validate as Validate
from studio.jobs.requests import Weigh as Weigh
