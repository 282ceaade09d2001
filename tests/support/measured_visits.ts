/** Visits whose course is measured, on connections of their own, by node:http. */

import { Buffer } from "node:buffer";
import { type ClientRequest, type IncomingMessage, request as openRequest } from "node:http";
import { setInterval } from "node:timers";

const MIB = 2 ** 20;
const SECOND_MS = 1000;

/** The ages of so many events as they arrive, in ms; their data is the time at which they were sent. */
export async function collectDelays(url: string, count: number): Promise<number[]> {
  const requests: ClientRequest[] = [];
  const answer = await open(url, requests);
  const delays: number[] = [];
  let rest = "";
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    const now = performance.timeOrigin + performance.now();
    const events = (rest + Buffer.from(chunk).toString("latin1")).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) delays.push(now - Number(event.slice("data: ".length)));
    if (delays.length >= count) break;
  }
  for (const request of requests) request.destroy();
  return delays;
}

/** Opens a GET on a connection of its own; resolves with the head of the answer. `requests` gets it. */
export function open(url: string, requests: ClientRequest[]): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = openRequest(url, { agent: false }, (answer) => {
      answer.on("error", () => {});
      resolve(answer);
    });
    request.on("error", reject);
    requests.push(request);
    request.end();
  });
}

export async function drain(answer: IncomingMessage): Promise<void> {
  for await (const _chunk of answer);
}

/** Takes what comes a MiB at a time, once a second. */
export function readSlowly(url: string, seconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = openRequest(url, { agent: false }, (answer) => {
      answer.on("error", () => {});
      let allowed = MIB;
      const until = performance.now() + seconds * SECOND_MS;
      const timer = setInterval(() => {
        allowed = MIB;
        if (performance.now() < until) return void answer.resume();
        clearInterval(timer);
        request.destroy();
        resolve();
      }, SECOND_MS);
      answer.on("data", (chunk: Uint8Array) => {
        allowed -= chunk.length;
        if (allowed <= 0) answer.pause();
      });
      answer.on("end", () => {
        clearInterval(timer);
        resolve();
      });
    });
    request.on("error", reject);
    request.end();
  });
}
