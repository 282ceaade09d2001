/**
 * Names and numbers of the classic protocol, as the original PTTH 2.x speaks it
 * (docs/protocol.md, "Classic").
 */

/** First segment of the relay's routes for servers. */
export const CLASSIC_PREFIX = "/7ZSFUKGV";
/** The poll: GET `/7ZSFUKGV/http_listen/NAME`. */
export const LISTEN_ROUTE = "/http_listen/";
/** An answer: POST `/7ZSFUKGV/http_response/ID`. */
export const RESPONSE_ROUTE = "/http_response/";
/** Carries a server's or a scraper's key. */
export const API_KEY_HEADER = "X-ApiKey";
/** Carries status and headers of an answer. */
export const MAGIC_HEADER = "X-PTTH-2LJYXWC4";

/**
 * Carries the query of a visitor's target, with its `?`: the classic message has no place for it,
 * and originals ignore the field (docs/protocol.md, "Query").
 */
export const QUERY_HEADER = "X-PTTH-Query";

/** Methods by their index on the wire. */
export const CLASSIC_METHODS = ["GET", "HEAD", "POST", "PUT"] as const;
/** Their names, the other form that decoders take. */
export const CLASSIC_METHOD_NAMES = ["Get", "Head", "Post", "Put"] as const;

/** Statuses by their index on the wire: the only ones that classic can carry. */
export const CLASSIC_STATUSES = [200, 204, 206, 304, 307, 400, 403, 404, 405, 416, 500] as const;
/** Their names, the other form that decoders take. */
export const CLASSIC_STATUS_NAMES = [
  "Ok",
  "NoContent",
  "PartialContent",
  "NotModified",
  "TemporaryRedirect",
  "BadRequest",
  "Forbidden",
  "NotFound",
  "MethodNotAllowed",
  "RangeNotSatisfiable",
  "InternalServerError",
] as const;

export type ClassicMethod = typeof CLASSIC_METHODS[number];
export type ClassicStatus = typeof CLASSIC_STATUSES[number];
