"""The codes that our objects use, and whose they are.

Standard codes where the standard has them (DCM, SCT, UCUM). What IHE's AI
profiles word but no public table here gives a code for is coded in our own
scheme, declared in every object's Coding Scheme Identification Sequence.
"""

from typing import Final

from highdicom.sr import CodedConcept
from pydicom.sr.coding import Code

SCHEME: Final = "99OVERREAD"
SCHEME_NAME: Final = "Overread local codes"

# names of content items
PROBABILITY: Final = Code("122157", "DCM", "Probability")
PRESENCE: Final = Code("121052", "DCM", "Presence of property")
COMMENT: Final = Code("121106", "DCM", "Comment")
QUALITATIVE: Final = Code("C0034375", "UMLS", "Qualitative Evaluations")
IMPRESSION: Final = Code("121073", "DCM", "Impression")
ANALYSIS_STATUS: Final = Code("ai-status", SCHEME, "Status of AI analysis")
AI_NOTICE: Final = Code("ai-notice", SCHEME, "Notice on AI result")
ASSESSMENT: Final = Code("assessment", SCHEME, "Assessment of AI finding")
ASSESSMENT_REASON: Final = Code("assessment-why", SCHEME, "Reason for assessment")
SCALE: Final = Code("scale", SCHEME, "What the millimetres rest on")
READ_STAGE: Final = Code("read-stage", SCHEME, "Stage of the read")
UNAIDED_READ: Final = Code("unaided-read", SCHEME, "Unaided read")
UNAIDED_IMPRESSION: Final = Code("unaided-impr", SCHEME, "Unaided impression")
VOLUME: Final = Code("118565006", "SCT", "Volume")
LONG_AXIS: Final = Code("103339001", "SCT", "Long axis")
LESION_CHANGE: Final = Code("lesion-change", SCHEME, "Change since the earlier study")
VOLUME_CHANGE: Final = Code("volume-change", SCHEME, "Change of volume")
VOLUME_CHANGE_LOW: Final = Code(
    "volume-change-lo", SCHEME, "Least change of volume by repeatability"
)
VOLUME_CHANGE_HIGH: Final = Code(
    "volume-change-hi", SCHEME, "Greatest change of volume by repeatability"
)
DOUBLING_TIME: Final = Code("doubling-time", SCHEME, "Time in which the volume doubles")
PART_OF_FINDING: Final = Code("part-of-finding", SCHEME, "AI finding it is part of")
COMPARED_WITH: Final = Code("compared-with", SCHEME, "Compared with")
REGISTRATION: Final = Code("registration", SCHEME, "How the studies were aligned")
IMAGING_PROCEDURE: Final = Code("363679005", "SCT", "Imaging procedure")

# values
PRESENT: Final = Code("52101004", "SCT", "Present")
ABSENT: Final = Code("272519000", "SCT", "Absent")
ANALYSIS_FINDINGS: Final = Code("ai-findings", SCHEME, "Completed with findings")
ANALYSIS_NEGATIVE: Final = Code("ai-negative", SCHEME, "Completed without findings")
ANALYSIS_REJECTED: Final = Code("ai-rejected", SCHEME, "Input rejected, not analysed")
ACCEPTED: Final = Code("accepted", SCHEME, "AI finding accepted")
REJECTED: Final = Code("rejected", SCHEME, "AI finding rejected")
MODIFIED: Final = Code("modified", SCHEME, "AI finding accepted with modification")
SUPPLEMENTED: Final = Code("supplemented", SCHEME, "Added by the reader")
OTHERS_ACCEPTED: Final = Code("other-accepted", SCHEME, "Others' finding accepted")
OTHERS_REJECTED: Final = Code("other-rejected", SCHEME, "Others' finding rejected")
ANSWERED_OBJECT: Final = Code("answered", SCHEME, "Object that is answered")
UNAIDED: Final = Code("unaided", SCHEME, "Committed before AI was revealed")
REVISED: Final = Code("revised", SCHEME, "Made or changed after AI was revealed")
MISSED: Final = Code("missed", SCHEME, "Added by the reader, missed by AI")

CHANGES: Final = {
    "new": Code("new", SCHEME, "New since the earlier study"),
    "resolved": Code("resolved", SCHEME, "Gone since the earlier study"),
    "unchanged": Code("unchanged", SCHEME, "Unchanged within repeatability"),
    "grown": Code("grown", SCHEME, "Grown beyond repeatability"),
    "shrunk": Code("shrunk", SCHEME, "Shrunk beyond repeatability"),
}

# units, observers, algorithms
NO_UNITS: Final = Code("1", "UCUM", "no units")
PERCENT: Final = Code("%", "UCUM", "percent")
DAYS: Final = Code("d", "UCUM", "day")
UNITS: Final = {
    "mm": Code("mm", "UCUM", "millimeter"),
    "mm2": Code("mm2", "UCUM", "square millimeter"),
    "ml": Code("ml", "UCUM", "milliliter"),
    "deg": Code("deg", "UCUM", "degree"),
    "{pixels}": Code("{pixels}", "UCUM", "pixels"),
    "{pixels2}": Code("{pixels2}", "UCUM", "square pixels"),
    "[hnsf'U]": Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
    "{SUVbw}g/ml": Code("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight"),
    "Bq/ml": Code("Bq/ml", "UCUM", "Becquerels/milliliter"),
    "1": NO_UNITS,
}
DEVICE: Final = CodedConcept("121007", "DCM", "Device")
PERSON: Final = CodedConcept("121006", "DCM", "Person")
VISUAL_EXPLANATION: Final = Code("130401", "DCM", "Visual explanation")
ARTIFICIAL_INTELLIGENCE: Final = Code("123110", "DCM", "Artificial Intelligence")
