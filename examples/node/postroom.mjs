// Hands mails to Postroom's HTTP gateway with nothing but fetch (Node 18 or newer).
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** A mail or a request that is wrong: the same request again does not help. */
export class Refused extends Error {
  constructor(problem) {
    const errors = problem.errors?.map((each) => `${each.field ?? each.parameter ?? "mail"}: ${each.detail}`);
    super(errors?.join(" | ") ?? problem.detail);
    this.problem = problem;
  }
}

/** The gateway, or the queue behind it, did not answer in time: the same request again may help. */
export class Unavailable extends Error {}

export class Postroom {
  #url;
  #key;
  #patience;

  /** `patience` is in milliseconds, for one call with all its repeats. */
  constructor({ url, key, patience = 30_000 }) {
    if (!url || !key) throw new TypeError("url and key are needed; `postroom key create` makes a key");
    this.#url = url.replace(/\/+$/, "");
    this.#key = key;
    this.#patience = patience;
  }

  /**
   * Hands a mail in and returns its id; from then on it is kept.
   *
   * Give an idempotency key of your own, such as a BullMQ job's id: whoever repeats the call sends nothing twice.
   */
  async send(mail, { lane = "default", idempotencyKey = randomUUID() } = {}) {
    const answer = await this.#call("POST", `/v1/emails?lane=${encodeURIComponent(lane)}`, mail, {
      "Idempotency-Key": idempotencyKey,
    });
    return answer.id;
  }

  /** Returns where a mail stands; after `wait` milliseconds at most if that is not final yet. */
  async status(id, { wait = 0 } = {}) {
    const lastMoment = Date.now() + wait;
    for (;;) {
      const hold = Math.min(Math.max(0, lastMoment - Date.now()), 10_000) / 1000;
      const email = await this.#call("GET", `/v1/emails/${encodeURIComponent(id)}?wait=${hold}`);
      if (email.success !== null || Date.now() >= lastMoment) return email;
    }
  }

  async #call(method, path, body, headers = {}) {
    const lastMoment = Date.now() + this.#patience;
    for (let pause = 200; ; pause *= 2) {
      const left = lastMoment - Date.now();
      const answer = await this.#ask(method, path, body, headers, left);
      if (answer?.ok) return answer.json();
      if (answer && ![408, 429, 502, 503, 504].includes(answer.status)) throw await failure(answer);
      await answer?.body?.cancel();
      const wanted = Number(answer?.headers.get("retry-after")) * 1000 || pause;
      if (Date.now() + wanted >= lastMoment) {
        throw new Unavailable(answer ? `the gateway answered with ${answer.status}` : "the gateway cannot be reached");
      }
      await sleep(wanted);
    }
  }

  async #ask(method, path, body, headers, left) {
    try {
      return await fetch(this.#url + path, {
        method,
        headers: { Authorization: `Bearer ${this.#key}`, "Content-Type": "application/json", ...headers },
        body: body && JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.timeout(Math.max(1, left)),
      });
    } catch {
      return undefined; // No answer: whether it was accepted or not, the idempotency key makes a repeat safe.
    }
  }
}

async function failure(answer) {
  const problem = await answer.json().catch(() => ({ detail: `the gateway answered with ${answer.status}` }));
  return answer.status < 500 ? new Refused(problem) : new Unavailable(problem.detail);
}
