// The review page: a note goes to the service, and its codes come back to be checked.

import { BatchPanel } from "./batches.js";
import { byId, element } from "./elements.js";
import { feedbackOf } from "./feedback.js";
import { NoteView } from "./note.js";
import { Review } from "./review.js";
import { makeRow, refreshRow, warningLine } from "./rows.js";
import { CodeSearch } from "./search.js";
import { codeNote, codeNoteAsFhir, readInfo, Refusal, sendFeedback, useKey } from "./service.js";

const GROUPS = [
  ["added", "Added by you"],
  ["codes", "Codes"],
  ["candidates", "Candidates to look at"],
  ["suppressed", "Ruled out by the note"],
];
const FIELDS = "input, textarea, select";
const setNames = new Map(); // system -> code set as it is written: ICD-10-PCS; empty where one is loaded

class Page {
  review = null;
  reviews = new WeakMap(); // of a batch, by answer: decisions are there when a note is opened again
  current = null;
  actions = {
    select: (item) => this.select(item),
    decide: (item, verdict) => this.decide(item, verdict),
    remove: (item) => this.remove(item),
    replace: (item, other) => this.replace(item, other),
  };

  constructor() {
    this.view = new NoteView(byId("words"), (items, mark) => this.pickWords(items, mark));
    new CodeSearch(byId("query"), byId("found"), { add: (found) => this.add(found), say, sets: chosenSets });
    this.batches = new BatchPanel({ open: (answer, request) => this.reopen(answer, request), say, fail });
  }

  async send() {
    const request = requestOfForm();
    byId("send").disabled = true;
    byId("send").textContent = "Coding…";
    complain([]);
    try {
      this.show(new Review(await codeNote(request), request));
    } catch (error) {
      fail(error);
    } finally {
      byId("send").disabled = false;
      byId("send").textContent = "Code this note";
    }
  }

  show(review) {
    this.review = review;
    byId("finished").textContent = review.sent;
    complain([]);
    this.view.render(review.request.text, review.items);
    showParts(true);
    this.list();
    showAnswer(review.answer);
    this.select(review.items[0] ?? null);
    this.current?.pick.focus({ preventScroll: true });
    say(`${review.of("codes").length} codes, ${review.of("suppressed").length} ruled out.`);
  }

  reopen(answer, request) {
    if (!this.reviews.has(answer)) this.reviews.set(answer, new Review(answer, request));
    this.show(this.reviews.get(answer));
  }

  /** What was sent is no longer what is shown. */
  changed() {
    this.review.sent = "";
    byId("finished").textContent = "";
  }

  edit() {
    showParts(false);
    byId("text").focus();
  }

  list() {
    const groups = GROUPS.map(([list, title]) => [title, this.review.of(list)]).filter(([, items]) => items.length);
    byId("groups").replaceChildren(...groups.map(([title, items]) => this.group(title, items)));
    this.refresh();
  }

  group(title, items) {
    const rows = items.map((item) => item.row ?? makeRow(Object.assign(item, { set: setNames.get(item.system) }), this.actions));
    return element("section", {}, element("h3", {}, `${title} (${items.length})`), element("ol", { class: "rows" }, ...rows));
  }

  refresh() {
    for (const item of this.review.items) refreshRow(item, this.current);
    this.view.refresh();
    const count = (decision) => this.review.items.filter((item) => item.decision === decision).length;
    byId("counts").textContent =
      `${this.review.items.length} shown · ${count("accepted") + count("added")} accepted · ${count("rejected")} rejected`;
    byId("export").disabled = byId("finish").disabled = !this.review.decided.length;
    byId("export-fhir").disabled = false;
  }

  select(item, { scroll = true } = {}) {
    this.current = item;
    for (const other of this.review.items) other.row.classList.remove("related");
    this.view.light(item, scroll);
    this.refresh();
    item?.row.scrollIntoView({ block: "nearest" });
  }

  /** Words chosen again move to the next of their codes. */
  pickWords(items, mark) {
    const ranked = this.review.items.filter((item) => items.includes(item));
    this.select(ranked[(ranked.indexOf(this.current) + 1) % ranked.length], { scroll: false });
    for (const item of ranked) item.row.classList.add("related");
    mark.focus({ preventScroll: true });
    say(`${this.current.code} ${this.current.display}. ${ranked.length > 1 ? `One of ${ranked.length} codes of these words.` : ""}`);
  }

  decide(item, verdict) {
    if (item.list === "added") return verdict === "rejected" ? this.remove(item) : undefined;
    this.review.decide(item, verdict);
    this.changed();
    this.select(item, { scroll: false });
    say(`${item.code} ${item.decision ?? "undecided"}.`);
  }

  /** Words that are selected in the note become the evidence of the code. */
  add(found) {
    const selected = this.view.takeSelected();
    const item = this.review.add(found, selected ? [selected] : []);
    this.changed();
    this.list();
    if (selected) this.view.render(this.review.request.text, this.review.items);
    this.select(item);
    item.pick.focus();
    say(`${item.code} ${item.decision}.`);
  }

  /** Another code for the same words. */
  replace(item, { code, display }) {
    const { system, edition, evidence } = item;
    if (item.decision !== "rejected" && item.list !== "added") this.review.decide(item, "rejected");
    const taken = this.review.add({ code, display, system, edition, billable: null }, evidence);
    this.changed();
    this.list();
    this.view.render(this.review.request.text, this.review.items);
    this.select(taken);
    taken.pick.focus();
    say(`${code} taken instead of ${item.code}.`);
  }

  remove(item) {
    this.review.remove(item);
    this.changed();
    this.list();
    this.select(this.review.items[0] ?? null);
    this.current?.pick.focus();
    say(`${item.code} removed.`);
  }

  move(step) {
    const shown = GROUPS.flatMap(([list]) => this.review.of(list));
    if (!shown.length) return;
    const at = Math.min(shown.length - 1, Math.max(0, shown.indexOf(this.current) + step));
    this.select(shown[at]);
    shown[at].pick.focus({ preventScroll: true });
  }

  download() {
    const json = JSON.stringify(this.review.export(), null, 2);
    save(json, "application/json", `codes-${this.review.answer.request_id}.json`);
  }

  /** The suggestions as the service writes them in FHIR; decisions are not part of them. */
  async downloadFhir() {
    const reference = byId("patient").value.trim();
    complain([]);
    try {
      const bundle = await codeNoteAsFhir({ ...this.review.request, patient: { reference } });
      save(bundle, "application/fhir+json", `codes-${this.review.answer.request_id}.fhir.json`);
    } catch (error) {
      fail(error);
    }
  }

  async finish() {
    if (!this.review?.decided.length) return;
    complain([]);
    const { review } = this;
    try {
      const { accepted, rejected, added } = await sendFeedback(feedbackOf(review));
      review.sent = `Sent: ${accepted} accepted, ${rejected} rejected, ${added} added.`;
      if (review === this.review) byId("finished").textContent = review.sent;
      say(review.sent);
    } catch (error) {
      fail(error);
    }
  }

  /** One file fills the note, several become a batch. */
  take(files) {
    complain([]);
    if (files.length > 1) return this.batches.send(files, optionsOfForm());
    return this.open(files[0]);
  }

  async open(file) {
    try {
      byId("text").value = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
      byId("note-id").value = file.name.slice(0, 128);
      this.edit();
    } catch {
      complain(["This file is not text in UTF-8."]);
    }
  }

  /** A key outside the fields. Returns whether it meant something. */
  key(key, target) {
    if (key === "?") return byId("keys").showModal() ?? true;
    if (!this.review || byId("words").hidden) return false;
    if (key === "/") return byId("query").focus() ?? true;
    if (key === "f") return this.finish() ?? true;
    if (key === "ArrowDown" || key === "ArrowUp") return this.move(key === "ArrowDown" ? 1 : -1) ?? true;
    if (!this.current) return false;
    return this.keyOnCode(key, target);
  }

  keyOnCode(key, target) {
    const onMark = target.matches("mark");
    if (key === "a" || key === "r") return this.decide(this.current, key === "a" ? "accepted" : "rejected") ?? true;
    if (key === "Enter" && onMark) return this.view.choose(target) ?? true;
    if (key === "Enter" && target.matches(".pick, body")) return this.view.focus(this.current) || true;
    if (onMark && (key === "ArrowRight" || key === "ArrowLeft")) return this.view.focus(this.current, key === "ArrowRight" ? 1 : -1);
    if (key === "Escape") return this.current.pick.focus() ?? true;
    return false;
  }
}

/** Ask for a key if the service wants one; what it says of a key that was given is shown. */
async function enter(given) {
  useKey(given);
  complain([]);
  try {
    offerSets((await readInfo()).code_sets);
    byId("access").hidden = true;
    byId("text").focus();
  } catch (error) {
    if (given) fail(error);
    else if (error.status === 401) askForKey();
  }
}

/** Where several code sets are loaded, a note is coded in those that are ticked; the default is to begin with. */
function offerSets(loaded) {
  const names = [...new Set(loaded.map(({ code_set }) => code_set))];
  byId("code-sets").hidden = names.length < 2;
  if (names.length < 2) return;
  for (const { code_set, system } of loaded) setNames.set(system, code_set.toUpperCase());
  const boxes = names.map((name, at) => element("label", {}, element("input", { type: "checkbox", value: name, checked: !at }), ` ${name.toUpperCase()}`));
  byId("code-sets").replaceChildren(element("legend", { class: "unseen" }, "Code sets"), ...boxes);
}

/** The code sets that are ticked; none where there is no choice. */
function chosenSets() {
  return [...byId("code-sets").querySelectorAll("input:checked")].map(({ value }) => value);
}

function askForKey() {
  byId("access").hidden = false;
  byId("closed").hidden = true; // links carry no key
  byId("key").focus();
}

function requestOfForm() {
  const note_id = byId("note-id").value.trim();
  return { text: byId("text").value, ...(note_id ? { note_id } : {}), ...optionsOfForm() };
}

function optionsOfForm() {
  const sets = chosenSets();
  return {
    ...(sets.length ? { code_sets: sets } : {}),
    encounter: byId("encounter").value,
    top_k: byId("top-k").valueAsNumber,
    billable_only: byId("billable").checked,
    offset_unit: "utf16", // what JavaScript's strings are sliced by
  };
}

function showParts(reviewing) {
  byId("form").hidden = reviewing;
  for (const id of ["words", "legend", "edit"]) byId(id).hidden = !reviewing;
  if (!reviewing) return;
  byId("reviewed").hidden = byId("finish").hidden = false;
  byId("empty").hidden = true;
}

function showAnswer({ codes, candidates, suppressed, warnings, truncated, versions }) {
  const shown = [...codes, ...candidates, ...suppressed];
  const cut = truncated ? [{ rule: "truncated", message: "The answer was cut short.", codes: [] }] : [];
  const atCodes = new Set(shown.flatMap((item) => item.warnings.map(({ message }) => message)));
  const general = [...cut, ...warnings.filter(({ message }) => !atCodes.has(message))];
  byId("warnings").replaceChildren(...general.map(warningLine));
  byId("warnings").hidden = !general.length;
  byId("measure").textContent = measureOf(shown);
  byId("versions").textContent = `${versions.code_set}, model ${versions.model}, index ${versions.index}, service ${versions.service}`;
}

function measureOf(shown) {
  if (!shown.length) return "No finding in this note led to a code.";
  if (shown.some((item) => item.probability !== null)) return "Bars show the calibrated probability.";
  return "Bars show the score of the search, for comparison within this note. It is not a probability.";
}

function complain(lines) {
  byId("alert").hidden = !lines.length;
  byId("alert").replaceChildren(...lines.map((line) => element("p", {}, line)));
}

/** Show why something did not work; a missing key is asked for. */
function fail(error) {
  if (error.status === 401) askForKey();
  complain(error instanceof Refusal ? error.lines : [`The page failed: ${error.message}`]);
}

function save(text, type, name) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function say(words) {
  byId("status").textContent = words;
}

function listen(page) {
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    page.send();
  });
  byId("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("form").requestSubmit(byId("send"));
  });
  byId("edit").addEventListener("click", () => page.edit());
  byId("export").addEventListener("click", () => page.download());
  byId("fhir").addEventListener("submit", (event) => {
    event.preventDefault();
    page.downloadFhir();
  });
  byId("finish").addEventListener("click", () => page.finish());
  byId("show-keys").addEventListener("click", () => byId("keys").showModal());
  byId("access").addEventListener("submit", (event) => {
    event.preventDefault();
    enter(byId("key").value.trim());
    byId("key").value = "";
  });
  listenForFiles(page);
  document.addEventListener("keydown", (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.altKey || byId("keys").open;
    if (elsewhere || event.target.matches(FIELDS)) return;
    if (page.key(event.key, event.target)) event.preventDefault();
  });
}

function listenForFiles(page) {
  byId("file").addEventListener("change", ({ target }) => {
    if (target.files.length) page.take([...target.files]);
    target.value = ""; // the same file may be opened again
  });
  const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (carriesFile(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault(); // or the browser would leave the page for the file
    page.take([...event.dataTransfer.files]);
  });
}

listen(new Page());
enter("");
