/** Every bound of the programs: what it limits, its unit, and why it has this value. */

/** Longest log line; a longer one ends in `…`. */
export const MAX_LOG_LINE_CHARS = 4096;

/** Longest request head (request line and header fields), as node:http has it. Past it: 431. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** Longest request target. RFC 9110 §4.1 asks for at least 8000. Past it: 414. */
export const MAX_TARGET_BYTES = 8192;

/** Most header fields in one request, as the original relay has it. Past it: 431. */
export const MAX_HEADER_COUNT = 100;

/** Most headers in one classic message: those of a request, and what relays add on the way. */
export const MAX_MESSAGE_HEADERS = MAX_HEADER_COUNT + 28;

/** Most connections at once on one listener; further ones are closed at accept. */
export const MAX_CONNECTIONS = 10_000;

/**
 * Most connections at once of one address, or one /64 of IPv6, so that nobody takes all. A server
 * with MAX_ACTIVE_EXCHANGES that are streamed both ways needs 2,048, and a few. Past it: closed at
 * accept. Trusted proxies are not counted.
 */
export const MAX_CONNECTIONS_PER_ADDRESS = 2_500;

/** Longest trailer fields of a request. Past it: 431. */
export const MAX_TRAILER_BYTES = 16 * 1024;

/**
 * Most bytes of a connection that are read before anybody wants them: of a body that no handler has
 * begun to read, and of pipelined requests. Reading on shows at once when the peer leaves. Past it:
 * reading pauses.
 */
export const MAX_READ_AHEAD_BYTES = 64 * 1024;

/** Most pieces that those may have come in: a piece of one byte takes hundreds. */
export const MAX_READ_AHEAD_PIECES = 256;

/**
 * Longest time for a request head to arrive (slowloris). Past it: 408. A PROXY header before it has
 * the same time. Past that: closed.
 */
export const HEADERS_TIMEOUT_MS = 15_000;

/** Longest PROXY header of version 1, as HAProxy's specification has it. Past it: closed. */
export const MAX_PROXY_LINE_BYTES = 107;

/**
 * Longest PROXY header of version 2. Addresses take up to 232 bytes; the rest is for what load
 * balancers add (names, certificates, ids), which may pass the 536 bytes that the specification
 * aims at. nginx has the same limit. Past it: closed.
 */
export const MAX_PROXY_HEADER_BYTES = 4096;

/**
 * How long an idle connection is kept for a next request. More than the 90 s that the original's
 * client keeps one, so that it is never closed under a poll that is just being sent.
 */
export const KEEP_ALIVE_TIMEOUT_MS = 100_000;

/**
 * Longest silence of a peer that should be sending or reading a body. Any byte starts it anew, so
 * it bounds no length and no duration. Past it: the connection is cut.
 */
export const BODY_SILENCE_MS = 120_000;

/**
 * How long the rest of a request body is read and dropped after an early answer (RFC 9112 §9.6):
 * closing at once would reset the connection, and the peer might never see the answer.
 */
export const LINGER_MS = 2_000;

/** Longest configuration file; far past any real one, short of a device or a log named by mistake. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** Deepest nesting of arrays and inline tables in a configuration file: guards the stack. */
export const MAX_TOML_DEPTH = 32;

/** Most ranges in one Range field; with more the field is ignored (RFC 9110 §17.15). */
export const MAX_RANGES = 32;

/** Files and ranges up to this size are read at once; bigger ones are streamed. */
export const SMALL_BODY_BYTES = 64 * 1024;

/** Bytes per read of a streamed file: below it throughput falls, above it only memory grows. */
export const FILE_PIECE_BYTES = 256 * 1024;

/** What all streamed files together read at a time: many slow readers hold no more than a few do. */
export const FILE_BODIES_BYTES = 16 * 1024 * 1024;

/** Bytes per read of each of very many streamed files. */
export const MIN_FILE_PIECE_BYTES = 16 * 1024;

/** Most entries on one page of an HTML listing: what a browser lays out without a pause. */
export const LISTING_PAGE_ENTRIES = 1000;

/** Entries handled at once in a loop over many: about 5 ms of stat calls. */
export const LISTING_SLICE_ENTRIES = 2000;

/** Most listings of big folders that are put together at once; each takes up to 25 MB, and a core. */
export const MAX_BIG_LISTINGS = 2;

/** Most of those that wait, and most that wait for one folder to be read. Past it: 503. */
export const MAX_WAITING_LISTINGS = 64;

/** Most listings of big folders that are sent at once as JSON or text, which is whole. Past it: 503. */
export const MAX_LISTING_STREAMS = 8;

/** Most folders known to be small or big: small ones are not read one after the other. */
export const MAX_KNOWN_FOLDERS = 10_000;

/** Most names kept of big folders listed lately, all folders together: about 25 MB. */
export const LISTING_CACHE_ENTRIES = 250_000;

/** A file or folder changed later than this ago may change again within its clock's resolution. */
export const SETTLED_AGE_MS = 2000;

/** Times that a file replaced between being looked up and being opened is looked up anew. */
export const MAX_OPEN_ATTEMPTS = 3;

/** Longest key, in characters: ten times the longest that `--generate-key` makes. */
export const MAX_KEY_CHARS = 1024;

/**
 * How much of a key the guess estimator sees, in characters. Its time grows with the square of the
 * length: 40 characters take up to 40 ms, 256 most of a second.
 */
export const MAX_ESTIMATED_CHARS = 40;

/**
 * Most wrong keys from one address, or one /64 of IPv6, in KEY_FAILURE_MS. A server with a wrong key
 * tries again every REFUSED_RETRY_MS, which makes 12. Past it: 429, whatever the key, but for one
 * that was right from there before.
 */
export const MAX_KEY_FAILURES = 30;

/** How long wrong keys count, from the first of them. */
export const KEY_FAILURE_MS = 60_000;

/** Most right keys that are known so; the oldest is forgotten first. */
export const MAX_KNOWN_KEYS = 10_000;

/** Longest name of a server: that of a label in a host name (RFC 1035 §2.3.4). */
export const MAX_SERVER_NAME_CHARS = 63;

/** Longest wait that can be configured, in seconds: a day. Timers overflow past 24 days. */
export const MAX_WAIT_SECONDS = 86_400;

/** Longest validity of a scraper key that the original relay accepts: 30 days. */
export const MAX_SCRAPER_KEY_MS = 30 * 86_400_000;

/**
 * Largest piece written to a connection at once. A peer that reads at all takes one within
 * BODY_SILENCE_MS: that makes 560 bytes a second the slowest rate that is still served.
 */
export const MAX_PIECE_BYTES = 64 * 1024;

/** Longest time a classic poll is parked before it is answered with 204, as the original has it. */
export const POLL_PARK_MS = 25_000;

/**
 * No poll for this long is a gap: the next one is answered at once with an empty list, which ends
 * an original server's back-off. Longer than a round trip on any network in use.
 */
export const POLL_GAP_MS = 3_000;

/** How long an exchange given to a classic server waits for the head of its answer. */
export const CLASSIC_ANSWER_TIMEOUT_MS = 30_000;

/** How long an exchange given to a server that speaks modern waits for the head of its answer. */
export const MODERN_ANSWER_TIMEOUT_MS = 600_000;

/** Most exchanges that wait for one server to take them. Past it: 503. */
export const MAX_WAITING_PER_SERVER = 256;

/** Most exchanges of one server that are given and have no answer yet. Past it: 503. */
export const MAX_GIVEN_PER_SERVER = 1024;

/**
 * Most ids remembered of exchanges whose visitor left before the answer came. A late answer to one
 * that is forgotten gets 400 instead of 502.
 */
export const MAX_ABANDONED_IDS = 1000;

/** How many events the audit log keeps, as the original does. */
export const MAX_AUDIT_EVENTS = 256;

/** How many unknown names that polled are shown, as by the original. */
export const MAX_UNREGISTERED_SERVERS = 20;

/** How long a stopping relay or server waits for exchanges in flight. */
export const DRAIN_TIMEOUT_MS = 30_000;

/** Longest silence of a relay that holds a poll; it answers after POLL_PARK_MS at the latest. */
export const POLL_TIMEOUT_MS = 35_000;

/** Largest poll body taken: MAX_WAITING_PER_SERVER heads of MAX_HEAD_BYTES, two bytes a character. */
export const MAX_POLL_BODY_BYTES = 16 * 1024 * 1024;

/** Longest silence of a relay that has an answer's last byte and not yet said so. */
export const RESPONSE_TIMEOUT_MS = 120_000;

/** Largest reply to an answer: one sentence. */
export const MAX_RESPONSE_REPLY_BYTES = 64 * 1024;

/** Most exchanges that a server works on; past it the answer is 503, or classic polls pause. */
export const MAX_ACTIVE_EXCHANGES = 1024;

/** Largest magic header sent: with the other fields it has to fit into a head of MAX_HEAD_BYTES. */
export const MAX_MAGIC_HEADER_CHARS = 12 * 1024;

/** Pause before a relay that refused the key is asked again. */
export const REFUSED_RETRY_MS = 5_000;

/** Connections that the system keeps until they are accepted: all servers may come at once. */
export const LISTEN_BACKLOG = 4096;

/**
 * Most of a Retry-After, of its relay or a proxy before it, that a server heeds; it waits up to half as
 * long again, by chance.
 */
export const MAX_RETRY_AFTER_MS = 60_000;

/** How often at most the same trouble with the relay is logged. */
export const REPEATED_LOG_MS = 60_000;

/** How often the relay reads its configuration again, as the original does. */
export const CONFIG_RELOAD_MS = 60_000;

/** How long a changed configuration file must be left alone before it is read. */
export const CONFIG_SETTLE_MS = 100;

/** Longest time to connect to a relay, its proxy and TLS included, as the original has it. */
export const CONNECT_TIMEOUT_MS = 30_000;

/**
 * How long an idle connection to a relay is kept. Under the 10 s and more after which relays and
 * proxies close it: a message sent into a closing connection is lost, not sent again.
 */
export const IDLE_CONNECTION_MS = 8_000;

/** Small pieces of an archive are sent in blocks of this size: each write costs a system call. */
export const ARCHIVE_BLOCK_BYTES = 64 * 1024;

/**
 * Most entries in an archive. A zip file's directory is kept until its end, 100 to 200 bytes an
 * entry; links to folders among the files could multiply them without end. Past it: cut.
 */
export const MAX_ARCHIVE_ENTRIES = 1_000_000;

/** Most archives at once in one folder's server; each keeps a disk busy. Past it: 503. */
export const MAX_ARCHIVES = 8;

/** Deepest folder in an archive, counted from the one that was asked for. Past it: cut. */
export const MAX_ARCHIVE_DEPTH = 100;

/**
 * Most entries that are looked up before an archive begins, so that its length can be announced:
 * about 0.2 s and 2 MB. With more of them it is sent without a length.
 */
export const MAX_PLANNED_ENTRIES = 4000;

/** Entries looked up and opened for an archive between two turns of the event loop: about 10 ms. */
export const ARCHIVE_SLICE_ENTRIES = 250;

/**
 * Most bytes kept of small files sent lately, all files together. A hit saves six system calls,
 * two thirds of the time of an answer.
 */
export const SMALL_FILE_CACHE_BYTES = 16 * 1024 * 1024;

/** Most digests of files that are remembered, of up to 64 bytes each. */
export const MAX_KEPT_DIGESTS = 10_000;

/** Most files read at once to make a digest: each keeps a disk and a part of a core busy. */
export const MAX_DIGESTS_AT_ONCE = 2;

/** Most digests that wait for those. Past it: no Repr-Digest, and 503 to `?sha256`. */
export const MAX_WAITING_DIGESTS = 64;

/** Most entries on one page of tiles: each may be an image that the browser asks for. */
export const GRID_PAGE_ENTRIES = 200;

/** Largest image that is shown as a tile: tiles are the images themselves. */
export const MAX_THUMBNAIL_BYTES = 16 * 1024 * 1024;

/**
 * Longest text that is rendered as Markdown. A text made to take long takes about 0.1 s at this
 * length, and four times that at twice the length.
 */
export const MAX_MARKDOWN_BYTES = 64 * 1024;

/** How much of a text file a preview shows: more than anybody reads, and read at once. */
export const MAX_PREVIEW_BYTES = 256 * 1024;

/** How long a search looks through folders before it gives what it has. */
export const SEARCH_TIME_MS = 2_000;

/** Most entries that a search gives. */
export const MAX_SEARCH_RESULTS = 1000;

/** Most searches at once in one folder's server; each keeps the disk busy. Past it: 503. */
export const MAX_SEARCHES = 4;

/** Longest Host field: a name of 255 characters (RFC 1035 §2.3.4), a colon and a port. */
export const MAX_AUTHORITY_CHARS = 261;

/** Longest address that is shown as a QR code: with more, its squares are too small for a phone. */
export const MAX_QR_CHARS = 1000;

/** Longest work on the event loop before others have a turn; what is begun by then ends first. */
export const MAX_UNBROKEN_MS = 10;

/** Most memory that one password hash in a file may ask for; ours asks for 32 MiB. */
export const MAX_SCRYPT_BYTES = 256 * 1024 * 1024;

/** Most passwords checked at once: each takes a core for a tenth of a second, and 32 MiB. */
export const MAX_PASSWORD_CHECKS = 2;

/** Most passwords that wait for those. Past it: 503. */
export const MAX_WAITING_PASSWORDS = 64;

/** How long a password that was right is known without another check. */
export const PASSWORD_MEMORY_MS = 300_000;

/** Most right passwords that are known so; the oldest is forgotten first. */
export const MAX_KNOWN_PASSWORDS = 1000;

/** Most wrong passwords from one address, or one /64 of IPv6, in PASSWORD_FAILURE_MS. Past it: 429. */
export const MAX_PASSWORD_FAILURES = 10;

/** How long wrong passwords count, from the first of them. */
export const PASSWORD_FAILURE_MS = 60_000;

/** Most addresses whose wrong passwords or keys are counted; the oldest is forgotten first. */
export const MAX_COUNTED_ADDRESSES = 10_000;

/** How often at most the line is drawn that shows transfers on a terminal. */
export const PROGRESS_REDRAW_MS = 200;

/** Longest list of texts in one record of the modern protocol, in bytes: a head of four times MAX_HEAD_BYTES. */
export const MAX_TEXTS_BYTES = 64 * 1024;

/** Most texts in one record: name and value of 1000 fields, and a few more. */
export const MAX_TEXTS = 2048;

/** Largest message of the modern protocol: texts and a body, and room for what is between them. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** Most bytes of messages sent together: what was being gathered, and one more message. */
export const MAX_BATCH_BYTES = 512 * 1024;

/** Most fragments of one WebSocket message: ours have none, and a proxy that makes some makes big ones. */
export const MAX_FRAGMENTS = 1024;

/**
 * Messages of one turn are gathered until there are so many bytes of them. With 64 KiB relay and
 * server wait for one another, each with all there is to do: a tenth fewer requests, at a fifth less
 * CPU for each.
 */
export const BATCH_FLUSH_BYTES = 1024;

/** Largest body of a request that travels in its message. It is held while the request waits. */
export const INLINE_REQUEST_BYTES = 16 * 1024;

/** How long a small body of a known length is waited for, so that it can travel in a message. */
export const INLINE_WAIT_MS = 50;

/** How long the end of an answer is waited for that does not tell its length: it may never come. */
export const INLINE_GATHER_MS = 2;

/** Largest body of an answer that travels in its message. It is held while its visitor reads. */
export const INLINE_ANSWER_BYTES = 64 * 1024;

/** Largest segment of a stream. */
export const SEGMENT_BYTES = 64 * 1024;

/** How long the first byte of a segment waits for more. */
export const SEGMENT_DELAY_MS = 100;

/** How long the relay holds the request for a segment, or that brings one: proxies give up in 10 s. */
export const SEGMENT_HOLD_MS = 5_000;

/** A stream that has nothing to say says so this often: proxies cut idle connections after 10 s. */
export const STREAM_IDLE_MS = 4_000;

/** How often a server asks for a sign of life on its control channel, and so gives one. */
export const PING_INTERVAL_MS = 3_000;

/**
 * Silence after which the other end of a channel, or of a stream of a lost session, counts as dead;
 * noticed a quarter of it later at the most.
 */
export const CHANNEL_SILENCE_MS = 8_000;

/** How long the relay holds a poll of the modern protocol: proxies cut idle connections after 10 s. */
export const MODERN_PARK_MS = 8_000;

/**
 * An answer without work that came sooner than this is none that was held: who asks again after such
 * a one pauses before.
 */
export const QUICK_ANSWER_MS = 1_000;

/** How long a server waits for the welcome on a control channel before it takes to polling. */
export const WELCOME_TIMEOUT_MS = 5_000;

/** How long a probe of the path may take. Past it: bodies travel in segments. */
export const PROBE_TIMEOUT_MS = 2_000;

/** How long the relay goes on with a probe that its server does not end. */
export const PROBE_HOLD_MS = 4_000;

/** How often a path that streams do not pass is probed again. */
export const PROBE_RETRY_MS = 300_000;

/** Pause before a control channel is tried again on a path that did not let it through; doubled each time. */
export const CONTROL_RETRY_MS = 60_000;

/** Longest such pause. */
export const MAX_CONTROL_RETRY_MS = 3_600_000;

/** Most sessions, so most processes, of one name. Past it: 503. */
export const MAX_SESSIONS_PER_SERVER = 16;

/** Bytes that may wait to be written to a channel before no further exchange is given to it. */
export const MAX_CHANNEL_BACKLOG_BYTES = 64 * 1024;

/** Silence after which the system asks whether the peer of a switched connection is still there. */
export const TCP_KEEP_ALIVE_MS = 60_000;

/**
 * How long an idle connection to an origin is kept: less than the 5 s after which Node.js programs
 * close one.
 */
export const ORIGIN_IDLE_MS = 4_000;

/** How long an origin is waited for that is to say 100 before a body is sent (RFC 9110 §10.1.1). */
export const EXPECT_WAIT_MS = 1_000;

/** How long a server that ends a session waits for its last messages to be taken. */
export const CLOSE_TIMEOUT_MS = 1_000;

/** Longest head of an answer of an origin or a relay, and longest trailer fields. Past it: 502. */
export const MAX_ANSWER_HEAD_BYTES = 64 * 1024;

/**
 * Most bytes of interim answers (1xx) to one request, INTERIM_OVERHEAD_BYTES for
 * each included: a thousand small ones. Nothing holds them back where a visitor does not read. Past it: 502.
 */
export const MAX_INTERIM_BYTES = 64 * 1024;

/** What an interim answer counts for beside its fields. */
export const INTERIM_OVERHEAD_BYTES = 64;

/** Most fields in one of those heads. */
export const MAX_ANSWER_FIELDS = 1000;

/** Longest line that tells a chunk's size, extensions included. */
export const MAX_CHUNK_LINE_BYTES = 4096;

/**
 * Most bytes that the lines of a chunked body may have beyond 16 a chunk and twice its data: a body
 * of single bytes with long extensions is work for nothing. Past it: 400, or cut.
 */
export const MAX_CHUNK_OVERHEAD_BYTES = 16 * 1024;

/**
 * A peer that closes a connection within this time after an answer, though it has not said so,
 * closes after every answer; in milliseconds.
 */
export const EARLY_CLOSE_MS = 100;

/** How long no connections to such a peer are kept, in milliseconds. */
export const EARLY_CLOSE_MEMORY_MS = 60_000;

/** Most idle connections kept to one host. */
export const MAX_IDLE_CONNECTIONS = 256;
