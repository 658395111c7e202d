// What is under review: the codes of one answer, those added by hand, and the decisions. Lives as long as the page,
// and is sent only when the reviewer has finished.

const LISTS = ["codes", "candidates", "suppressed"];

/** The codes of one answer in the order in which they are shown. */
export class Review {
  constructor(answer, request) {
    this.answer = answer;
    this.request = request;
    this.sent = ""; // what the service has answered to the decisions as they are
    this.items = LISTS.flatMap((list) => answer[list].map((code) => ({ ...code, list, decision: null })));
  }

  of(list) {
    return this.items.filter((item) => item.list === list);
  }

  get decided() {
    return this.items.filter((item) => item.decision !== null);
  }

  /** Take a decision, or take it back. What was added is removed instead. */
  decide(item, verdict) {
    item.decision = item.decision === verdict ? null : verdict;
  }

  /** The item of a code: the one that is there, or a new one. */
  add(found, evidence = []) {
    const there = this.items.find((item) => item.code === found.code);
    if (there) {
      there.decision ??= "accepted";
      return there;
    }
    const unknown = { rank: null, score: null, probability: null, assertion: null, hcc: null };
    const item = { ...found, ...unknown, list: "added", decision: "added", evidence, alternatives: [], warnings: [] };
    this.items.unshift(item);
    return item;
  }

  remove(item) {
    this.items = this.items.filter((other) => other !== item);
  }

  /** The decisions as a value for JSON: codes and offsets, no words of the note. */
  export() {
    const { request_id, versions } = this.answer;
    const { text, ...options } = this.request;
    const codes = this.decided.map(exported);
    return { request_id, versions, request: options, codes, undecided: this.items.length - codes.length };
  }
}

function exported({ code, display, system, edition, billable, list, decision, rank, score, probability, evidence, reason }) {
  const places = evidence.map(({ document, start, end, section, assertion }) => ({ document, start, end, section, assertion }));
  const facts = { code, display, system, edition, billable, decision, list, rank, score, probability };
  return { ...facts, ...(reason ? { reason } : {}), evidence: places };
}
