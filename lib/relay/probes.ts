/** Finds out whether streams pass between a server and the relay (docs/protocol.md, "Paths"). */

import { Readable } from "node:stream";
import { type Clock, pause, type Timer } from "../base/clock.ts";
import { ProtocolError } from "../base/errors.ts";
import { PROBE_HOLD_MS } from "../base/limits.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import { DATA, END, IDLE, NONCE_BYTES } from "../wire/modern.ts";
import { RecordReader } from "../wire/record_reader.ts";
import { encodeEmptyRecord, encodeRecord } from "../wire/records.ts";
import type { Session } from "./session.ts";
import { NOTHING_YET, STREAM_HEADERS } from "./stream_answer.ts";

/** Tells the server as soon as its nonce is there, and waits for it to end the request. */
export async function takeUpProbe(
  request: HttpRequest,
  { session, clock }: { readonly session: Session; readonly clock: Clock },
): Promise<HttpAnswer> {
  const { body } = request;
  if (body === null) return textAnswer(400, "The probe is empty");
  const ended = new AbortController();
  let violation: string | undefined;
  const reader = new RecordReader({
    boundOf: (type) => type === DATA ? NONCE_BYTES : undefined,
    record: (_type, payload) => {
      if (payload.length === NONCE_BYTES) session.see(payload.slice());
      else throw new ProtocolError("A probe has no nonce");
    },
    piece: () => {},
  });
  body.on("data", (chunk: Uint8Array) => {
    try {
      reader.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      violation = error.message;
      session.violate(violation);
      body.destroy();
    }
  });
  body.once("end", () => ended.abort());
  body.once("close", () => ended.abort());
  await pause(clock, PROBE_HOLD_MS, ended.signal);
  body.destroy();
  if (violation !== undefined) return textAnswer(400, violation);
  return session.isOver ? textAnswer(410, "The session is over") : NOTHING_YET;
}

/** A stream whose first bytes come at once, and its end a while later. */
export function answerDownProbe(clock: Clock): HttpAnswer {
  let timer: Timer | undefined;
  const body = new Readable({
    read(): void {
      if (timer !== undefined) return;
      this.push(encodeEmptyRecord(IDLE));
      timer = clock.after(PROBE_HOLD_MS, () => {
        this.push(encodeRecord(END, new Uint8Array(2)));
        this.push(null);
      });
    },
    destroy(error, callback): void {
      if (timer !== undefined) clock.clear(timer);
      callback(error);
    },
  });
  return { status: 200, headers: STREAM_HEADERS, body };
}
