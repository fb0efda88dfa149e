"""Attribution on `score`, its faithfulness, plausibility and reliability.

What comes in is a recogniser and a recording, what goes out an `Explanation`. Every method is split in two: a *plan*
(which segments to keep in which masked recording) and an *estimate* (what the scores of those recordings say about
each segment). The expensive part, scoring, lies between the two, is shared by all targets of the utterance, and is
done once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy, lookup

if TYPE_CHECKING:
    from otoscope.explainers.checks import Checks
    from otoscope.explainers.explaining import explain
    from otoscope.explainers.judging import judge
    from otoscope.explainers.plan import Estimate, Method

EXPLAINERS = {
    "attention-rollout": "otoscope.explainers.gradients.rollout:AttentionRollout",
    "bubbles": "otoscope.explainers.bubbles:Bubbles",
    "deeplift": "otoscope.explainers.gradients.propagated:DeepLift",
    "deletion-path": "otoscope.explainers.deletion_path:DeletionPath",
    "entropy-attention": "otoscope.explainers.gradients.rollout:EntropyAttention",
    "expected-gradients": "otoscope.explainers.gradients.paths:ExpectedGradients",
    "grad-cam": "otoscope.explainers.gradients.cam:GradCam",
    "input-x-gradient": "otoscope.explainers.gradients.slopes:InputTimesGradient",
    "integrated-gradients": "otoscope.explainers.gradients.paths:IntegratedGradients",
    "kernel-shap": "otoscope.explainers.kernel_shap:KernelShap",
    "leave-one-out": "otoscope.explainers.leave_one_out:LeaveOneOut",
    "lime": "otoscope.explainers.lime:Lime",
    "lrp": "otoscope.explainers.gradients.propagated:LayerwiseRelevance",
    "multi-scale": "otoscope.explainers.multi_scale:MultiScale",
    "occlusion": "otoscope.explainers.occlusion:Occlusion",
    "rise": "otoscope.explainers.rise:Rise",
    "saliency": "otoscope.explainers.gradients.slopes:Saliency",
    "shapley": "otoscope.explainers.shapley:Shapley",
    "smooth-grad": "otoscope.explainers.gradients.slopes:SmoothGrad",
}
"""Name → class of each method; other packages add theirs under the entry point `otoscope.explainers`."""

_PUBLIC = {
    "Checks": "otoscope.explainers.checks:Checks",
    "Estimate": "otoscope.explainers.plan:Estimate",
    "Method": "otoscope.explainers.plan:Method",
    "explain": "otoscope.explainers.explaining:explain",
    "judge": "otoscope.explainers.judging:judge",
}

__all__ = ["EXPLAINERS", "Checks", "Estimate", "Method", "explain", "judge", "method"]


def method(name: str) -> Method:
    """Return the method registered under `name`, with its default parameters.

    Raises
    ------
    UnknownName
        No method has that name; the message offers the nearest.

    Examples
    --------
    >>> method("shapley").name
    'shapley'
    """
    return lookup(name, EXPLAINERS, group="otoscope.explainers", what="method of explanation")()


__getattr__ = lazy(__name__, _PUBLIC)
