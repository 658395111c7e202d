// What the page asks of the service. Addresses are relative, so that a proxy may serve the page under any path.

const FOUND = 8;

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

async function ask(path, { headers = {}, ...options } = {}) {
  const keyed = key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", headers: keyed, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal({ title: "The service cannot be reached." });
  }
  const body = await response.json().catch(() => ({ title: `The service answered ${response.status}.` }));
  if (!response.ok) throw new Refusal({ status: response.status, ...body });
  return body;
}

/** What is loaded; refused with 401 where a key is asked for. */
export function readInfo() {
  return ask("v1/info");
}

/** The answer to one note; request as in the contract. */
export function codeNote(request, signal) {
  const headers = { "Content-Type": "application/json" };
  return ask("v1/code", { method: "POST", headers, body: JSON.stringify(request), signal });
}

/** Codes whose wordings hold the words; a code finds itself. */
export async function findCodes(query, signal) {
  const { codes, system, edition } = await ask(`v1/codes?q=${encodeURIComponent(query)}&limit=${FOUND}`, { signal });
  return codes.map((found) => ({ ...found, system, edition }));
}
