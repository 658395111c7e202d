// Several notes at once: files go to /v1/batches, progress is asked for, and each note is opened from its result.

import { byId, element } from "./elements.js";
import { deleteBatch, readBatch, readResults, submitBatch } from "./service.js";

const PAUSE_MS = 1000;
const ENDED = ["completed", "failed", "expired", "cancelled"];

/** The panel of one batch. open(answer, request) is called for a note that is chosen. */
export class BatchPanel {
  #notes = [];
  #answers = new Map();
  #run = 0;

  constructor({ open, say, fail }) {
    Object.assign(this, { open, say, fail, batch: null });
    byId("batch-delete").addEventListener("click", () => this.drop());
  }

  /** Send files as one batch; options are those of a request without its text. */
  async send(files, options) {
    const run = ++this.#run; // an older batch is no longer asked for
    this.#answers.clear();
    try {
      this.#notes = await Promise.all(files.map((file, at) => noteOf(file, at, options)));
      byId("batch").hidden = false;
      byId("batch-notes").replaceChildren();
      this.#progress({ status: "sending", request_counts: { total: files.length, completed: 0, failed: 0 } });
      this.batch = await submitBatch(this.#notes.map(({ custom_id, request }) => ({ custom_id, body: request })));
      await this.#follow(run);
    } catch (error) {
      if (run === this.#run) this.fail(error);
    }
  }

  async drop() {
    this.#run += 1;
    byId("batch").hidden = true;
    const { batch } = this;
    this.batch = null;
    try {
      if (batch) await deleteBatch(batch.id);
      this.say("Batch removed.");
    } catch (error) {
      this.fail(error);
    }
  }

  async #follow(run) {
    while (run === this.#run) {
      this.batch = await readBatch(this.batch.id);
      this.#progress(this.batch);
      await this.#collect();
      if (ENDED.includes(this.batch.status)) return this.say(`Batch ${this.batch.status}.`);
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }

  #progress({ status, request_counts: { total, completed, failed } }) {
    const done = completed + failed;
    byId("batch-bar").max = total || 1;
    byId("batch-bar").value = done;
    const words = `${status.replace("_", " ")}: ${done} of ${total} notes${failed ? `, ${failed} failed` : ""}`;
    if (byId("batch-state").textContent !== words) byId("batch-state").textContent = words;
  }

  async #collect() {
    const { completed, failed } = this.batch.request_counts;
    if (completed + failed === this.#answers.size) return;
    for (const line of await readResults(this.batch.id)) {
      if (this.#answers.has(line.index)) continue;
      this.#answers.set(line.index, line);
      this.#list(line);
    }
  }

  #list({ index, response, error }) {
    const note = this.#notes[index];
    const answer = response?.status_code === 200 ? response.body : null;
    const words = answer
      ? `${answer.codes.length} codes, ${answer.candidates.length} candidates`
      : (response?.body.detail ?? error?.message ?? "No answer.");
    const open = element("button", { type: "button", disabled: !answer }, note.name);
    open.addEventListener("click", () => {
      for (const other of byId("batch-notes").querySelectorAll("button")) other.removeAttribute("aria-current");
      open.setAttribute("aria-current", "true");
      this.open(answer, note.request);
    });
    byId("batch-notes").append(element("li", {}, open, element("span", { class: "hint" }, words)));
  }
}

async function noteOf(file, at, options) {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  return { name: file.name, custom_id: String(at + 1), request: { ...options, text, note_id: file.name.slice(0, 128) } };
}
