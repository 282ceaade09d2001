/** Every bound of the programs: what it limits, its unit, and why it has this value. */

/** Longest log line; a longer one ends in `…`. */
export const MAX_LOG_LINE_CHARS = 4096;

/** Longest request head (request line and header fields): node:http's own default. Past it: 431. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** Longest request target. RFC 9110 §4.1 asks for at least 8000. Past it: 414. */
export const MAX_TARGET_BYTES = 8192;

/** Most header fields in one request, as the original relay has it. Past it: 431. */
export const MAX_HEADER_COUNT = 100;
