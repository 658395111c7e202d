// What the service is told of a review: codes, decisions and offsets. No words of the note.

/** The body of POST /v1/feedback for the review of one answer. */
export function feedbackOf({ answer, decided }) {
  return {
    request_id: answer.request_id,
    note_id: answer.note_id,
    versions: answer.versions,
    offset_unit: "utf16",
    decisions: decided.map(({ code, decision, evidence }) => ({
      code,
      decision,
      evidence: evidence.slice(0, 50).map(({ document, start, end }) => ({ document, start, end })),
    })),
  };
}
