import type { OriginAddress } from "../base/origin_url.ts";

/** A local web application, as the configuration has it. */
export interface OriginConfig {
  /** What visitors ask for behind the server's name; begins and ends with `/`. */
  readonly path: string;
  readonly address: OriginAddress;
  /** Whether the origin is asked without `path`, as if that was its root. */
  readonly stripsPath: boolean;
  /** What it gets as Host: the visitor's, its own, or this one. */
  readonly host: "preserve" | "origin" | { readonly authority: string };
  /** PEM certificates that its own may be signed by, beside the system's. */
  readonly certificates: readonly string[];
  /** Takes any certificate. */
  readonly isInsecure: boolean;
  /** 0 for no limit. */
  readonly connectTimeoutMs: number;
  /** Longest silence while bytes of the origin are waited for; 0 for no limit. */
  readonly silenceTimeoutMs: number;
}
