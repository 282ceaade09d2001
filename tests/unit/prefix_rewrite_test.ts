import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import type { RawHeaders } from "../../lib/http/message.ts";
import { moveBelowPrefix, moveReference, type PublicPlace } from "../../lib/http/prefix_rewrite.ts";

/** As the relay sees it. */
const RELAY: PublicPlace = {
  prefix: "/servers/me",
  authorities: ["relay.example.com", "relay.example.com:8443"],
};

/** As a server sees it whose origin is asked without its path. */
const SERVER: PublicPlace = {
  prefix: "/app",
  knownPrefixes: ["/servers/me/app"],
  authorities: ["relay.example.com"],
  privateAuthorities: ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "app.internal"],
  keepsCookieDomain: true,
};

function move(name: string, value: string, place: PublicPlace): string | undefined {
  return moveBelowPrefix([name, value], place)[1];
}

type Row = readonly [value: string, moved: string];

function assertMoved(names: readonly string[], place: PublicPlace, rows: readonly Row[]): void {
  for (const name of names) {
    for (const [value, moved] of rows) assertEquals(move(name, value, place), moved, value);
  }
}

const LOCATIONS = ["Location", "location", "CONTENT-LOCATION", "Content-Location"];

Deno.test("moveBelowPrefix moves paths of Location and Content-Location (RFC 9110 §8.7, §10.2.2)", () => {
  assertMoved(LOCATIONS, RELAY, [
    ["/", "/servers/me/"],
    ["/login?next=/a#b", "/servers/me/login?next=/a#b"],
    ["/?q", "/servers/me/?q"],
    ["/#f", "/servers/me/#f"],
    ["/caf\xc3\xa9", "/servers/me/caf\xc3\xa9"],
    ["/a%2fb%zz", "/servers/me/a%2fb%zz"],
    ["/servers/other/x", "/servers/me/servers/other/x"],
    ["/servers/menu", "/servers/me/servers/menu"],
    ["/Servers/me/x", "/servers/me/Servers/me/x"],
  ]);
});

Deno.test("moveBelowPrefix leaves what is there already", () => {
  const there = ["/servers/me", "/servers/me/", "/servers/me/x", "/servers/me?q", "/servers/me#f"];
  assertMoved(LOCATIONS, RELAY, there.map((value) => [value, value]));
  assertMoved(LOCATIONS, SERVER, [
    ["/app/x", "/app/x"],
    ["/servers/me/app/x", "/servers/me/app/x"],
    ["/servers/me/x", "/app/servers/me/x"],
    ["/apple", "/app/apple"],
  ]);
});

Deno.test("moveBelowPrefix leaves references that are relative, empty, or of another scheme", () => {
  const others = ["", "x", "./x", "../x", "?q", "#f", "x/../y", "mailto:a@b", "data:,/x", "*"];
  others.push(
    "javascript:/x",
    "ftp://relay.example.com/x",
    "http:",
    "http:x",
    "http://",
    "https:///x",
  );
  assertMoved(LOCATIONS, RELAY, others.map((value) => [value, value]));
});

Deno.test("moveBelowPrefix moves absolute URLs of public authorities, and leaves foreign ones", () => {
  const foreign = [
    ...["https://elsewhere.example/x", "//elsewhere.example/x", "https://relay.example.com.evil/x"],
    ...["https://relay.example.com@evil/x", "https://user@relay.example.com/x"],
    ...["https://relay.example.com:1/x", "http://localhost:3000/x", "//x", "https://evil"],
    ...["https://elsewhere.example/../x", "https://elsewhere.example\\x"],
  ];
  assertMoved(LOCATIONS, RELAY, [
    ["https://relay.example.com/x?y#z", "https://relay.example.com/servers/me/x?y#z"],
    ["HTTP://Relay.Example.COM/x", "HTTP://Relay.Example.COM/servers/me/x"],
    ["http://relay.example.com:8443/x", "http://relay.example.com:8443/servers/me/x"],
    ["https://relay.example.com:443/x", "https://relay.example.com:443/servers/me/x"],
    ["http://relay.example.com:80/x", "http://relay.example.com:80/servers/me/x"],
    ["http://relay.example.com:443/x", "http://relay.example.com:443/x"],
    ["https://relay.example.com", "https://relay.example.com/servers/me/"],
    ["https://relay.example.com?q", "https://relay.example.com/servers/me/?q"],
    ["https://relay.example.com#f", "https://relay.example.com/servers/me/#f"],
    ["//relay.example.com/x", "//relay.example.com/servers/me/x"],
    ["https://relay.example.com/servers/me/x", "https://relay.example.com/servers/me/x"],
    ["https://relay.example.com/../../x", "https://relay.example.com/servers/me/x"],
    ["https://relay.example.com\\x", "https://relay.example.com/servers/me/x"],
    ...foreign.map((value): Row => [value, value]),
  ]);
});

Deno.test("moveBelowPrefix takes scheme and authority from URLs that only the server can reach", () => {
  assertMoved(LOCATIONS, SERVER, [
    ["http://localhost:3000/x?y#z", "/app/x?y#z"],
    ["http://LOCALHOST:3000/x", "/app/x"],
    ["https://127.0.0.1:3000/x", "/app/x"],
    ["http://[::1]:3000/x", "/app/x"],
    ["//localhost:3000/x", "/app/x"],
    ["http://localhost:3000", "/app/"],
    ["http://localhost:3000?q", "/app/?q"],
    ["http://app.internal/x", "/app/x"],
    ["http://app.internal:80/x", "/app/x"],
    ["http://localhost:3000/app/x", "/app/x"],
    ["http://localhost:3000/servers/me/app/x", "/servers/me/app/x"],
    ["http://localhost:3000//evil.example/x", "/app//evil.example/x"],
    ["http://localhost:3001/x", "http://localhost:3001/x"],
    ["http://localhost/x", "http://localhost/x"],
  ]);
});

Deno.test("moveBelowPrefix reads dots, backslashes and tabs as browsers do (URL Standard)", () => {
  assertMoved(LOCATIONS, RELAY, [
    ["/../x", "/servers/me/x"],
    ["/a/../../../x", "/servers/me/x"],
    ["/a/%2E%2e/.%2e/x", "/servers/me/x"],
    ["/a/./b/..", "/servers/me/a/"],
    ["/..", "/servers/me/"],
    ["/.hidden/a..b", "/servers/me/.hidden/a..b"],
    ["/servers/me/../other", "/servers/me/servers/other"],
    ["/x?../../y", "/servers/me/x?../../y"],
    ["/x#/../y", "/servers/me/x#/../y"],
    ["\\x", "/servers/me/x"],
    ["/a\\b?c\\d", "/servers/me/a/b?c\\d"],
    // Browsers would go to the host "evil"; no application means that.
    ["/\\evil/x", "/servers/me//evil/x"],
    ["\\\\evil/x", "/servers/me//evil/x"],
    ["/\t/evil/x", "/servers/me//evil/x"],
    ["///evil/x", "/servers/me///evil/x"],
    [" /x ", "/servers/me/x"],
  ]);
});

Deno.test("property: what a browser finds at a moved reference is what it found before, below the prefix", () => {
  const part = fc.constantFrom(
    ...["/", "/", "\\", ".", "..", "%2e", "%2E.", "a", "b;c", "?", "#", "\t", ":", "//", "\xe9"],
    ...["servers", "/servers/me", "me", "http:", "//relay.example.com", "https://evil", "%2f"],
  );
  const references = fc.array(part, { maxLength: 10 }).map((parts) => parts.join(""));
  const base = "https://relay.example.com";
  fc.assert(
    fc.property(references, (reference) => {
      const before = URL.parse(reference, `${base}/`);
      const moved = moveReference(reference, RELAY);
      if (!/^(?:[\\/]|https:\/\/)/.test(reference) || before === null) return;
      const after = new URL(moved, `${base}/servers/me/`);
      const isPlain = /^(?:(?:https:)?\/\/relay\.example\.com(?:[\\/?#]|$)|[\\/]\t*(?![\\/\t]))/;
      if (before.origin !== base || !isPlain.test(reference)) {
        // It goes where it went, or nowhere else.
        const isBelow = after.origin === base && `${after.pathname}/`.startsWith("/servers/me/");
        assert(isBelow || after.href === before.href, `${reference} -> ${moved}`);
        return;
      }
      const isThere = /^\/servers\/me(?:\/|$)/.test(before.pathname);
      const path = isThere ? before.pathname : `/servers/me${before.pathname}`;
      assertEquals(
        [after.origin, after.pathname, after.search, after.hash],
        [base, path, before.search, before.hash],
        `${reference} -> ${moved}`,
      );
    }),
    { numRuns: 3000 },
  );
});

Deno.test("moveBelowPrefix moves the URL of Refresh (HTML, shared declarative refresh steps)", () => {
  const others = [
    "5",
    "",
    "5;",
    "url=/x",
    "x; url=/y",
    "5; url=",
    "5; url=x",
    "5; urls=/x",
    "5url=/x",
  ];
  others.push("5; url=https://elsewhere.example/", "5; url='x'", '5;url="https://evil/x" /y');
  assertMoved(["Refresh", "refresh"], RELAY, [
    ["0;url=/x", "0;url=/servers/me/x"],
    ["5; URL=/x?a=b;c,d", "5; URL=/servers/me/x?a=b;c,d"],
    [" 5.5 , uRl = /x", " 5.5 , uRl = /servers/me/x"],
    [".5;url=/x", ".5;url=/servers/me/x"],
    ["5 url=/x", "5 url=/servers/me/x"],
    ["5 /x", "5 /servers/me/x"],
    ["5; /x", "5; /servers/me/x"],
    ["5; '/x'", "5; '/servers/me/x'"],
    ['5; url="/x"', '5; url="/servers/me/x"'],
    ["5; url='/x' y", "5; url='/servers/me/x' y"],
    ['5; url="/x', '5; url="/servers/me/x'],
    ["5; url='/x\"y'", "5; url='/servers/me/x\"y'"],
    ["5; url=' /x'", "5; url='/servers/me/x'"],
    ["5; url=https://relay.example.com/x", "5; url=https://relay.example.com/servers/me/x"],
    ["5; url=/servers/me/x", "5; url=/servers/me/x"],
    ...others.map((value): Row => [value, value]),
  ]);
  assertEquals(move("Refresh", "0; url=http://localhost:3000/x", SERVER), "0; url=/app/x");
});

Deno.test("moveBelowPrefix moves every reference of Link, and nothing in quotes (RFC 8288 §3)", () => {
  const others = ["", "</x", '"</x>"', "</x>".slice(1), "<x>; rel=next", '<x>; title="</y>', "<>"];
  others.push('<x>; title="a\\"</y>"', "<https://elsewhere.example/>");
  assertMoved(["Link", "link"], RELAY, [
    ["</a.css>; rel=preload; as=style", "</servers/me/a.css>; rel=preload; as=style"],
    ["</a>,</b>; rel=x , <c>", "</servers/me/a>,</servers/me/b>; rel=x , <c>"],
    ['</a>; title="x, </b>; \\"</c>"; rel=d', '</servers/me/a>; title="x, </b>; \\"</c>"; rel=d'],
    ['</a,b;c"d>, </e>', '</servers/me/a,b;c"d>, </servers/me/e>'],
    ["< /a >", "</servers/me/a>"],
    ["</servers/me/a>", "</servers/me/a>"],
    ["<//relay.example.com/a>", "<//relay.example.com/servers/me/a>"],
    ["<https://relay.example.com>", "<https://relay.example.com/servers/me/>"],
    ...others.map((value): Row => [value, value]),
  ]);
});

Deno.test("moveBelowPrefix moves the Path of Set-Cookie (RFC 6265 §5.2.4)", () => {
  const others = ["a=b", "", ";", "a", "a=b; Secure", "a=b; Path", "a=b; Path=", "a=b; path=x"];
  others.push('a=b; Path="/x"', "path=/x", "path=/x; HttpOnly", "a=/x; b=/y; Pathology=/z");
  others.push("a=b; Path=/servers/me", "a=b; Path=/servers/me/x");
  assertMoved(["Set-Cookie", "set-cookie"], RELAY, [
    ["a=b; Path=/", "a=b; Path=/servers/me/"],
    ["a=b;path=/x", "a=b;path=/servers/me/x"],
    ["a=b ;  pAtH = /x ; Secure", "a=b ;  pAtH =/servers/me/x; Secure"],
    ["a=b;\tPath\t=\t/x\t", "a=b;\tPath\t=/servers/me/x"],
    ["a=b=c==; Path=/x=y; SameSite=Lax", "a=b=c==; Path=/servers/me/x=y; SameSite=Lax"],
    ["a=b; Path=/caf\xc3\xa0", "a=b; Path=/servers/me/caf\xc3\xa0"],
    ["a=b; Path=/x; Path=/y", "a=b; Path=/servers/me/x; Path=/servers/me/y"],
    ["a=b; Path=/servers/menu", "a=b; Path=/servers/me/servers/menu"],
    // Browsers compare it as it stands.
    ["a=b; Path=/x/../y", "a=b; Path=/servers/me/x/../y"],
    [
      "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/; Max-Age=5; HttpOnly",
      "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/servers/me/; Max-Age=5; HttpOnly",
    ],
    // Which browsers refuse then: better than to show it to all servers.
    ["__Host-a=b; Secure; Path=/", "__Host-a=b; Secure; Path=/servers/me/"],
    ...others.map((value): Row => [value, value]),
  ]);
});

Deno.test("moveBelowPrefix drops the Domain of cookies, or only a private one", () => {
  assertMoved(["Set-Cookie"], RELAY, [
    ["a=b; Domain=relay.example.com; Path=/", "a=b; Path=/servers/me/"],
    ["a=b; DOMAIN = .example.com", "a=b"],
    ["a=b; domain", "a=b"],
    ["domain=x; Secure", "domain=x; Secure"],
  ]);
  assertMoved(["Set-Cookie"], SERVER, [
    ["a=b; Domain=relay.example.com; Path=/", "a=b; Domain=relay.example.com; Path=/app/"],
    ["a=b; Domain=localhost; Secure", "a=b; Secure"],
    ["a=b; Domain=.App.Internal", "a=b"],
    ["a=b; Domain=internal", "a=b; Domain=internal"],
  ]);
  const byHost = { prefix: "", authorities: [], keepsCookieDomain: true, sharedHost: "relay.test" };
  assertMoved(["Set-Cookie"], byHost, [
    ["a=b; Domain=relay.test; Path=/", "a=b; Path=/"],
    ["a=b; Domain=.Relay.Test", "a=b"],
    ["a=b; Domain=test", "a=b"],
    ["a=b; Domain=me.relay.test", "a=b; Domain=me.relay.test"],
    ["a=b; Domain=elay.test", "a=b; Domain=elay.test"],
  ]);
});

Deno.test("moveBelowPrefix keeps other fields, names, order and repeats", () => {
  const kept: RawHeaders = [
    ...["X-Location", "/x", "Content-Type", "text/html", "locatioN-x", "/x", "Cookie", "a; Path=/"],
    ...[
      "Links",
      "</x>",
      "Set-Cookie2",
      "a; Path=/",
      "Content-Locations",
      "/x",
      "",
      "/x",
      "Uri",
      "/x",
    ],
  ];
  assertEquals(moveBelowPrefix(kept, RELAY), kept);
  assertEquals(
    moveBelowPrefix(
      [
        "sEt-cookie",
        "b=1; Path=/",
        "A",
        "\xff",
        "Set-Cookie",
        "a=2",
        "Link",
        "</1>",
        "Link",
        "</2>",
      ],
      RELAY,
    ),
    [
      ...["sEt-cookie", "b=1; Path=/servers/me/", "A", "\xff", "Set-Cookie", "a=2"],
      ...["Link", "</servers/me/1>", "Link", "</servers/me/2>"],
    ],
  );
});

Deno.test("moveBelowPrefix without a prefix changes only what visitors cannot reach", () => {
  const place = { ...SERVER, prefix: "", knownPrefixes: ["/servers/me"] };
  assertMoved(LOCATIONS, place, [
    ["/x", "/x"],
    ["/../x\\y", "/../x\\y"],
    ["https://relay.example.com/x", "https://relay.example.com/x"],
    ["http://localhost:3000/x", "/x"],
  ]);
  assertEquals(move("Set-Cookie", "a; Path=/; Domain=localhost", place), "a; Path=/");
});

Deno.test("moveBelowPrefix is done at once with values that are made to take long", () => {
  const long = 60_000;
  const values = [
    "<",
    '"',
    '<"',
    '"\\',
    "\\",
    " ",
    "/",
    "../",
    "/..",
    ":",
    ";path=",
    "1",
    "1 ",
    ";;",
  ];
  const fields = ["Location", "Refresh", "Link", "Set-Cookie"].flatMap((name) =>
    values.flatMap((value) =>
      ["", "/", "5;url=", "a=b; path=/", "<"].map((start) =>
        [name, `${start}${value.repeat(long / value.length)}x`] as const
      )
    )
  );
  for (const field of fields) {
    // The best of a few, since a busy computer may take long for anything.
    const times = [0, 1, 2].map(() => {
      const start = performance.now();
      moveBelowPrefix(field, SERVER);
      return performance.now() - start;
    });
    // What grows with the square takes a second and more.
    assertLess(Math.min(...times), 500, `${field[0]}: ${field[1].slice(0, 20)}`);
  }
});
