// What the page asks of the service. Addresses are relative, so that a proxy may serve the page under any path.

const FOUND = 8;
const NDJSON = "application/x-ndjson";
const FHIR = "application/fhir+json";

let key = ""; // in memory only: gone with the page

/** The service said no; lines are for a person. */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title);
    this.status = problem.status;
    this.lines = [
      problem.detail ?? problem.title,
      ...(problem.errors ?? []).map((error) => `${error.field}: ${error.message}`),
      ...(problem.retry_after ? [`Try again in ${problem.retry_after} s.`] : []),
    ];
  }
}

/** Send this key with everything from now on. */
export function useKey(given) {
  key = given;
}

async function answer(path, { headers = {}, ...options } = {}) {
  const keyed = key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", headers: keyed, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal({ title: "The service cannot be reached." });
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ title: `The service answered ${response.status}.` }));
  throw new Refusal({ ...problem, status: response.status });
}

async function ask(path, options) {
  return (await answer(path, options)).json();
}

function post(body, headers = {}) {
  return { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
}

/** What is loaded; refused with 401 where a key is asked for. */
export function readInfo() {
  return ask("v1/info");
}

/** The answer to one note; request as in the contract. */
export function codeNote(request, signal) {
  return ask("v1/code", { ...post(request), signal });
}

/** The answer to one note as a FHIR R4 Bundle, as text; the request names the patient. */
export async function codeNoteAsFhir(request) {
  return (await answer("v1/code", post(request, { Accept: FHIR }))).text();
}

/** Tell the service what became of an answer. */
export function sendFeedback(feedback) {
  return ask("v1/feedback", post(feedback));
}

/** A new batch of lines {custom_id, body}. */
export function submitBatch(lines) {
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  return ask("v1/batches", { method: "POST", headers: { "Content-Type": NDJSON }, body });
}

/** State and counts of a batch. */
export function readBatch(id) {
  return ask(`v1/batches/${id}`);
}

/** The lines that are answered so far. */
export async function readResults(id) {
  const text = await (await answer(`v1/batches/${id}/results`)).text();
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** Remove notes and results of a batch. */
export function deleteBatch(id) {
  return ask(`v1/batches/${id}`, { method: "DELETE" });
}

/** Codes whose wordings hold the words, of each code set in turn, none = of the default; a code finds itself. */
export async function findCodes(query, sets, signal) {
  const asked = sets.length ? sets.map((name) => `&code_set=${encodeURIComponent(name)}`) : [""];
  const answers = await Promise.all(
    asked.map((where) => ask(`v1/codes?q=${encodeURIComponent(query)}&limit=${FOUND}${where}`, { signal })),
  );
  const found = answers.map(({ codes, system, edition }) => codes.map((code) => ({ ...code, system, edition })));
  return Array.from({ length: FOUND }, (_, rank) => found.map((one) => one[rank]))
    .flat()
    .filter(Boolean);
}
