/** What strangers can use up, and how much of it: the first table of docs/limits.md. */

import type * as limits from "../lib/base/limits.ts";

export interface StrangerBound {
  readonly what: string;
  /** Whose value is the default. */
  readonly limit: keyof typeof limits;
  readonly unit: string;
  /** Default: it cannot be configured. */
  readonly option?: string;
  /** What becomes of what is past it. */
  readonly past: string;
  /** Tests at the bound and past it, as documents name them. */
  readonly tests: string;
}

const RAW_LIMITS = 'listener_test: "Listener takes what is just inside the limits"';
const PROTOCOL =
  "RecordReader takes a payload at its bound, and refuses one byte more by its head alone";

export const STRANGER_BOUNDS: readonly StrangerBound[] = [
  {
    what: "connections to a listener",
    limit: "MAX_CONNECTIONS",
    unit: "",
    option: "max_connections",
    past: "closed at accept",
    tests:
      'listener_test: "Listener closes connections past its limit and keeps serving the others"',
  },
  {
    what: "of them from one address, or one /64 of IPv6, that is no trusted proxy",
    limit: "MAX_CONNECTIONS_PER_ADDRESS",
    unit: "",
    option: "max_connections_per_address",
    past: "closed at accept, logged once a minute",
    tests:
      'listener_crowd_test: "Listener serves as many connections of one address as it may have, and closes one more"',
  },
  {
    what: "requests of one connection at work",
    limit: "MAX_READ_AHEAD_BYTES",
    unit: "bytes read ahead of one",
    past: "nothing more is read until the first is answered",
    tests: "request_body_test; listener_test",
  },
  {
    what: "request head",
    limit: "MAX_HEAD_BYTES",
    unit: "bytes",
    past: "431",
    tests:
      'request_reader_test: "RequestReader takes a head of MAX_HEAD_BYTES, and refuses one of a byte more"',
  },
  {
    what: "header fields",
    limit: "MAX_HEADER_COUNT",
    unit: "",
    past: "431",
    tests: `request_reader_test; request_refusals_test; ${RAW_LIMITS}`,
  },
  {
    what: "request target",
    limit: "MAX_TARGET_BYTES",
    unit: "bytes",
    past: "414",
    tests: `request_reader_test; request_refusals_test; ${RAW_LIMITS}`,
  },
  {
    what: "trailer fields of a request",
    limit: "MAX_TRAILER_BYTES",
    unit: "bytes",
    past: "431",
    tests: "request_reader_test; request_refusals_test",
  },
  {
    what: "line of a chunk's size, with extensions",
    limit: "MAX_CHUNK_LINE_BYTES",
    unit: "bytes",
    past: "400",
    tests: "request_reader_test; request_refusals_test",
  },
  {
    what: "time for a head to arrive",
    limit: "HEADERS_TIMEOUT_MS",
    unit: "ms",
    past: "408",
    tests:
      'attacks_by_strangers_test: "attack by a stranger: half a handshake is given up after a while"; listener_tls_test',
  },
  {
    what: "silence where bytes of a body are due, either way",
    limit: "BODY_SILENCE_MS",
    unit: "ms",
    past: "cut",
    tests:
      'listener_test: "Listener cuts a peer that falls silent in the middle of its body", "Listener cuts a peer that stops reading its answer"; silence_watch_test: "SilenceWatch never cuts a peer that moves one byte within each bound"',
  },
  {
    what: "silence between two requests",
    limit: "KEEP_ALIVE_TIMEOUT_MS",
    unit: "ms",
    past: "closed",
    tests: "listener_test",
  },
  {
    what: "exchanges that wait for one server",
    limit: "MAX_WAITING_PER_SERVER",
    unit: "",
    past: "503",
    tests: "classic_desk_test",
  },
  {
    what: "of one server given and not answered; in all no more than there are connections",
    limit: "MAX_GIVEN_PER_SERVER",
    unit: "",
    past: "503",
    tests: "server_queue_test; classic_desk_test",
  },
  {
    what: "of one server at work there",
    limit: "MAX_ACTIVE_EXCHANGES",
    unit: "",
    past: "503, or classic polls pause",
    tests: "modern_session_test",
  },
  {
    what: "silence before an answer begins",
    limit: "MODERN_ANSWER_TIMEOUT_MS",
    unit: "ms",
    option: "answer_timeout",
    past: "504",
    tests: 'faults_test: "…, P4 black hole: 502 once the silence is noticed"; exchange_test',
  },
  {
    what: "wrong keys from one address in a minute",
    limit: "MAX_KEY_FAILURES",
    unit: "",
    past: "429, for keys too that are right and were not known there",
    tests:
      'key_guard_test: "KeyGuard tells of as many wrong keys as it may, and of one more nothing"',
  },
  {
    what: "wrong passwords from one address in a minute (`ptth_file_server`)",
    limit: "MAX_PASSWORD_FAILURES",
    unit: "",
    past: "429",
    tests: "password_gate_test",
  },
  {
    what: "sessions, so processes, of one server",
    limit: "MAX_SESSIONS_PER_SERVER",
    unit: "",
    past: "503",
    tests:
      'modern_routes_test: "…: a name has sixteen sessions at the most, and another name its own"',
  },
  {
    what: "message of a server",
    limit: "MAX_MESSAGE_BYTES",
    unit: "bytes",
    past: "its session ends",
    tests: `record_reader_test: "${PROTOCOL}"; modern_refusals_test`,
  },
  {
    what: "messages of a server sent together",
    limit: "MAX_BATCH_BYTES",
    unit: "bytes",
    past: "its session ends",
    tests: 'modern_violations_test: "violation: messages over 512 KiB, of which no more is read"',
  },
  {
    what: "fragments of one of its WebSocket messages",
    limit: "MAX_FRAGMENTS",
    unit: "",
    past: "its session ends",
    tests: "websocket_test; attacks_by_servers_test",
  },
  {
    what: "bytes that wait for a server that does not read",
    limit: "MAX_CHANNEL_BACKLOG_BYTES",
    unit: "bytes",
    past: "it is given nothing more; past eight times that its session ends",
    tests:
      'modern_control_test: "control channel: a flood of pings that is read goes on, one that is not is bounded"',
  },
  {
    what: "silence of a server",
    limit: "CHANNEL_SILENCE_MS",
    unit: "ms",
    past: "its session is lost",
    tests: "modern_control_test; faults_test",
  },
  {
    what: "interim answers to one request",
    limit: "MAX_INTERIM_BYTES",
    unit: "bytes",
    past: "502",
    tests:
      'response_refusals_test: "ResponseReader takes interim answers up to their limit, and refuses one more"; modern_violations_test',
  },
  {
    what: "head of an answer",
    limit: "MAX_ANSWER_HEAD_BYTES",
    unit: "bytes",
    past: "502",
    tests:
      'response_refusals_test: "ResponseReader bounds heads, fields and lines, in pieces of …"',
  },
  {
    what: "line of the log",
    limit: "MAX_LOG_LINE_CHARS",
    unit: "characters",
    past: "cut, ends in `…`",
    tests: 'log_test: "createLogger cuts a line at its limit, and says so"',
  },
  {
    what: "pages of big folders put together at once",
    limit: "MAX_BIG_LISTINGS",
    unit: "",
    past: "64 wait, more get 503",
    tests:
      'folder_work_test: "MAX_BIG_LISTINGS are put together at once, so many wait, and one more gets 503"',
  },
  {
    what: "lists of big folders sent whole at once",
    limit: "MAX_LISTING_STREAMS",
    unit: "",
    past: "503",
    tests:
      'folder_work_test: "MAX_LISTING_STREAMS are sent at once, one more gets 503, and each that ends makes room"',
  },
  {
    what: "searches at once, each of 2 s at the most",
    limit: "MAX_SEARCHES",
    unit: "",
    past: "503",
    tests:
      'file_pages_test: "a folder\'s server runs MAX_SEARCHES at once, refuses more with 503, and then goes on"',
  },
  {
    what: "archives at once",
    limit: "MAX_ARCHIVES",
    unit: "",
    past: "503",
    tests:
      'folder_work_test: "MAX_ARCHIVES are made at once, one more gets 503, and each that ends makes room"',
  },
  {
    what: "ranges of one request",
    limit: "MAX_RANGES",
    unit: "",
    past: "the whole file is sent",
    tests: "range_test; file_conformance_test",
  },
];
