// The search field: codes that a reviewer adds.

import { element } from "./elements.js";
import { findCodes } from "./service.js";

const PAUSE_MS = 200; // wait until typing pauses

/** A combobox over the service's codes. add(found) is called with the chosen code, say(text) with
 * what happened; sets() names the code sets to search in, none for the default. */
export class CodeSearch {
  #found = [];
  #active = -1;
  #timer = 0;
  #running = new AbortController();

  constructor(input, list, { add, say, sets }) {
    Object.assign(this, { input, list, add, say, sets });
    input.addEventListener("input", () => this.#later());
    input.addEventListener("keydown", (event) => this.#key(event));
    input.addEventListener("blur", () => setTimeout(() => this.#close(), 150)); // a click on an option comes first
  }

  #later() {
    clearTimeout(this.#timer);
    this.#running.abort();
    this.#timer = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  async #ask() {
    const query = this.input.value.trim();
    if (query.length < 2) return this.#close();
    this.#running = new AbortController();
    try {
      this.#show(await findCodes(query, this.sets(), this.#running.signal));
    } catch (error) {
      if (error.name !== "AbortError") this.#show([], error.message);
    }
  }

  #show(found, words = "No code found.") {
    this.#found = found;
    const options = found.map((one, at) => this.#option(one, at));
    this.list.replaceChildren(...options, ...(found.length ? [] : [element("li", { role: "option", "aria-disabled": true }, words)]));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.#activate(found.length ? 0 : -1);
    this.say(found.length ? `${found.length} codes found.` : words);
  }

  #option(one, at) {
    const tag = one.billable ? null : element("span", { class: "tag" }, "not billable");
    const made = element("li", { role: "option", id: `found-${at}` }, element("span", { class: "code" }, one.code), ` ${one.display}`, tag);
    made.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.#take(at);
    });
    return made;
  }

  #activate(at) {
    this.#active = at;
    [...this.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    if (at < 0) return this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-activedescendant", `found-${at}`);
    this.list.children[at].scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const { key } = event;
    const count = this.#found.length;
    if (key === "Escape") this.#close();
    else if (key === "Enter" && this.#active >= 0) this.#take(this.#active);
    else if (key === "ArrowDown" && count) this.#activate((this.#active + 1) % count);
    else if (key === "ArrowUp" && count) this.#activate((this.#active - 1 + count) % count);
    else return;
    event.preventDefault();
  }

  #take(at) {
    const chosen = this.#found[at];
    this.input.value = "";
    this.#close();
    this.add(chosen);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#running.abort();
    this.#found = [];
    this.list.hidden = true;
    this.list.replaceChildren();
    this.input.setAttribute("aria-expanded", "false");
    this.#activate(-1);
  }
}
