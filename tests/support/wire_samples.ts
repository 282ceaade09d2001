/** Bytes that the original programs sent, captured; strings hold one character per byte. */

import { headerPairs } from "../../lib/http/headers.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import samples from "../fixtures/wire_samples.json" with { type: "json" };

export interface WireSample {
  readonly name: string;
  readonly direction: string;
  readonly what?: string;
  /** The head of an HTTP message, lines ended by CR LF. */
  readonly head?: string;
  readonly body_hex?: string;
  readonly body_len?: number;
  readonly magic_b64?: string;
  readonly magic_hex?: string;
  readonly decoded?: unknown;
  readonly target?: string;
  readonly reply_to_post?: string;
  readonly visitor_head_hex?: string;
}

export const WIRE_SAMPLES: readonly WireSample[] = samples;

/** Headers as the samples show them. */
export function toHeaderRecord(headers: RawHeaders): Record<string, string> {
  return Object.fromEntries(headerPairs(headers));
}
