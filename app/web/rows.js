// One row per code: what it is, how sure the search is, why it is there, and the decision on it.

import { element } from "./elements.js";

const REASONS = {
  negated: "The note says it is absent.",
  family: "The note says a relative has it.",
  hypothetical: "The note says what to do if it happens.",
};
const QUOTED = 90; // characters of the evidence that a row shows
const PROPER = { excludes1: "Excludes1", "poa-exempt": "POA exempt" };

/** A row; actions: {select, decide, remove, replace}, each called with the item. */
export function makeRow(item, actions) {
  const pick = element("button", { type: "button", class: "pick", tabindex: -1 }, ...face(item));
  pick.addEventListener("click", () => actions.select(item));
  const row = element("li", { class: "row" }, pick, decisions(item, actions), ...remarks(item, actions));
  Object.assign(item, { row, pick });
  return row;
}

/** Make the row show what the item has become. */
export function refreshRow(item, current) {
  item.row.dataset.decision = item.decision ?? "";
  item.pick.setAttribute("aria-current", String(item === current));
  item.pick.tabIndex = item === current ? 0 : -1;
  for (const button of item.row.querySelectorAll("[data-verdict]")) {
    button.setAttribute("aria-pressed", String(button.dataset.verdict === item.decision));
  }
  for (const control of item.row.querySelectorAll(".decide button, summary, details button")) {
    control.tabIndex = item === current ? 0 : -1;
  }
}

function face(item) {
  const tags = [
    item.set ?? null,
    item.billable === false ? "not billable" : null,
    item.assertion && item.assertion !== "present" && !item.reason ? item.assertion : null,
    item.hcc ? `HCC ${item.hcc}` : null,
  ].filter(Boolean);
  return [
    element("span", { class: "code" }, item.code),
    element("span", { class: "display" }, item.display, ...tags.map((tag) => element("span", { class: "tag" }, tag))),
    quote(item.evidence),
    item.score === null ? null : sureness(item),
  ];
}

/** The words that support a code best, and in how many other places it has some. */
function quote([best, ...others]) {
  if (!best?.text) return null;
  const words = best.text.replace(/\s+/g, " ").trim();
  const shown = words.length > QUOTED ? `${words.slice(0, QUOTED).trim()}…` : words;
  const more = others.length ? ` +${others.length} more` : "";
  return element("span", { class: "quote" }, `“${shown}”`, more);
}

function sureness({ score, probability }) {
  const known = probability !== null;
  const share = Math.min(1, Math.max(0, known ? probability : score));
  const fill = element("span", { class: "fill" });
  fill.style.width = `${100 * share}%`;
  const words = known ? `probability ${Math.round(100 * probability)}%` : `score ${score.toFixed(3)}`;
  return element("span", { class: "sureness" }, element("span", { class: "bar", "aria-hidden": "true" }, fill), words);
}

function decisions(item, actions) {
  const box = element("div", { class: "decide" });
  if (item.list === "added") {
    box.append(button("Remove", `Remove ${item.code}`, () => actions.remove(item)));
    return box;
  }
  for (const [verdict, word] of [["accepted", "Accept"], ["rejected", "Reject"]]) {
    const made = button(word, `${word} ${item.code}`, () => actions.decide(item, verdict));
    made.dataset.verdict = verdict;
    box.append(made);
  }
  return box;
}

function button(word, label, act) {
  const made = element("button", { type: "button", "aria-label": label }, word);
  made.addEventListener("click", act);
  return made;
}

function remarks(item, actions) {
  const reason = item.reason ? element("p", { class: "reason" }, REASONS[item.reason] ?? `Ruled out: ${item.reason}.`) : null;
  const warnings = item.warnings.length ? element("ul", { class: "warnings" }, ...item.warnings.map(warningLine)) : null;
  const wordless = item.list === "added" && !item.evidence.length;
  const bare = wordless ? element("p", { class: "reason" }, "No words of the note. To give it some, remove it, select them and add it again.") : null;
  return [bare, reason, warnings, item.alternatives.length ? alternatives(item, actions) : null];
}

/** One warning of the service. */
export function warningLine({ rule, message, codes }) {
  const unnamed = codes.filter((code) => !message.includes(code));
  const where = unnamed.length ? ` [${unnamed.join(", ")}]` : "";
  return element("li", {}, element("span", { class: "rule" }, labelOf(rule)), ` ${message}${where}`);
}

/** "code-first" -> "Code first" */
function labelOf(rule) {
  const words = rule.replaceAll("-", " ");
  return PROPER[rule] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

function alternatives(item, actions) {
  const others = item.alternatives;
  const lines = others.map(({ code, display }) => {
    const take = button("Take", `Take ${code} instead of ${item.code}`, () => actions.replace(item, { code, display }));
    const words = element("span", {}, element("span", { class: "code" }, code), ` ${display}`);
    return element("li", {}, words, take);
  });
  const title = `${others.length} ${others.length === 1 ? "alternative" : "alternatives"}`;
  return element("details", {}, element("summary", {}, title), element("ul", {}, ...lines));
}
