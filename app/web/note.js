// The note as it was sent, with all evidence marked. Offsets are UTF-16 code units, which is how strings are sliced here.

import { element } from "./elements.js";

const RANKING = ["added", "codes", "candidates", "suppressed"];
const LOOK = { added: "kept", codes: "kept", candidates: "candidate", suppressed: "ruled-out" };

/** The text cut at every border of evidence: [{start, end, items}], items = what the piece supports. */
export function cut(text, items) {
  const spans = items.flatMap((item) => item.evidence.map(({ start, end }) => ({ start, end, item })));
  const borders = [...new Set([0, text.length, ...spans.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  return borders.slice(0, -1).map((start, index) => {
    const end = borders[index + 1];
    const over = spans.filter((span) => span.start <= start && span.end >= end).map((span) => span.item);
    return { start, end, items: [...new Set(over)] };
  });
}

/** The rendered note. pick(items, mark) is called when words are chosen. */
export class NoteView {
  constructor(container, pick) {
    this.container = container;
    this.marks = [];
    this.pick = pick;
    this.selected = null;
    container.addEventListener("click", (event) => {
      if (!this.selected) this.choose(event.target);
    });
    document.addEventListener("selectionchange", () => this.#select());
  }

  render(text, items) {
    this.marks = [];
    this.selected = null;
    this.container.replaceChildren(...cut(text, items).map((piece) => this.#piece(text, piece)));
    this.container.scrollTop = 0;
  }

  /** Light the words of an item, or none, and bring them into view unless chosen among them. */
  light(item, scroll = true) {
    for (const { mark, items } of this.marks) {
      mark.classList.toggle("lit", item !== null && items.includes(item));
    }
    const [first] = this.marksOf(item);
    if (first && scroll) this.#show(first);
  }

  marksOf(item) {
    const best = item?.evidence[0];
    const marks = this.marks.filter(({ items }) => items.includes(item));
    return [...marks.filter(({ start }) => start === best.start), ...marks.filter(({ start }) => start !== best.start)].map(
      ({ mark }) => mark,
    );
  }

  /** Words follow the decision on what they support. */
  refresh() {
    for (const { mark, items } of this.marks) {
      mark.classList.toggle("accepted", items.some((item) => item.decision === "accepted"));
      mark.classList.toggle("rejected", items.every((item) => item.decision === "rejected"));
    }
  }

  /** The words that were last selected in the note, as evidence, once; null if there are none. */
  takeSelected() {
    const { selected } = this;
    this.selected = null;
    return selected;
  }

  #select() {
    const selection = document.getSelection();
    const range = selection.rangeCount ? selection.getRangeAt(0) : null;
    if (!range || !this.container.contains(range.commonAncestorContainer)) return; // the focus went to the search field
    const words = range.toString();
    const before = range.cloneRange();
    before.selectNodeContents(this.container);
    before.setEnd(range.startContainer, range.startOffset);
    const start = before.toString().length + words.length - words.trimStart().length;
    const end = start + words.trim().length;
    const text = words.trim();
    this.selected = text ? { document: 0, start, end, text, section: null, assertion: null } : null;
  }

  /** Focus the words of an item, step places after those that have the focus. */
  focus(item, step = 0) {
    const marks = this.marksOf(item);
    if (!marks.length) return false;
    const at = Math.max(0, marks.indexOf(document.activeElement));
    const mark = marks[(at + step + marks.length) % marks.length];
    mark.focus({ preventScroll: true });
    this.#show(mark);
    return true;
  }

  #piece(text, { start, end, items }) {
    const words = text.slice(start, end);
    if (!items.length) return document.createTextNode(words);
    const list = RANKING.find((name) => items.some((item) => item.list === name));
    const title = items.map((item) => `${item.code} ${item.display}`).join("\n");
    const mark = element("mark", { class: LOOK[list], tabindex: -1, role: "button", title }, words);
    this.marks.push({ mark, start, items });
    return mark;
  }

  /** What a click does, for an element of the note. */
  choose(target) {
    const found = this.marks.find(({ mark }) => mark === target);
    if (found) this.pick(found.items, found.mark);
  }

  #show(mark) {
    const top = mark.getBoundingClientRect().top - this.container.getBoundingClientRect().top;
    if (top < 0 || top > this.container.clientHeight - 40) {
      this.container.scrollTop += top - this.container.clientHeight / 3;
    }
  }
}
