/** Answers to servers that send and fetch messages and streams. */

import type { Delivery, HttpAnswer, RawHeaders } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import type { Exchange } from "./exchange.ts";

/** No cache is to keep what these come with, and no proxy to hold it: nginx heeds the last one. */
export const STREAM_HEADERS: RawHeaders = [
  ...["Content-Type", "application/octet-stream"],
  ...["Cache-Control", "no-store"],
  ...["X-Accel-Buffering", "no"],
];

/** Taken; there is nothing to tell. */
export const NOTHING_YET: HttpAnswer = {
  status: 204,
  headers: ["Cache-Control", "no-store"],
  body: null,
};

/** What a server is told that has sent its whole answer. */
export function toReply(exchange: Exchange, delivery: Delivery): HttpAnswer {
  if (exchange.isAbandoned) return textAnswer(410, "The exchange is over");
  return delivery === "delivered"
    ? textAnswer(200, "delivered")
    : textAnswer(410, "The visitor has left");
}
