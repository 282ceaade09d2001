import { assertEquals } from "@std/assert";
import { parseOriginUrl } from "../../lib/base/origin_url.ts";

Deno.test("parseOriginUrl takes http and https URLs apart", () => {
  const rows: [url: string, host: string, port: number, authority: string, basePath: string][] = [
    ["http://127.0.0.1:3000/", "127.0.0.1", 3000, "127.0.0.1:3000", "/"],
    ["http://localhost", "localhost", 80, "localhost", "/"],
    ["http://localhost:80/", "localhost", 80, "localhost", "/"],
    ["http://localhost:443/", "localhost", 443, "localhost:443", "/"],
    ["https://localhost", "localhost", 443, "localhost", "/"],
    ["https://localhost:443/", "localhost", 443, "localhost", "/"],
    ["https://localhost:80/", "localhost", 80, "localhost:80", "/"],
    ["http://[::1]:8080/", "::1", 8080, "[::1]:8080", "/"],
    ["http://[0:0:0:0:0:0:0:1]/", "::1", 80, "[::1]", "/"],
    ["HTTP://App.Internal:8080/Base", "app.internal", 8080, "app.internal:8080", "/Base/"],
    ["http://h/a/b/", "h", 80, "h", "/a/b/"],
    ["http://h/a/../b", "h", 80, "h", "/b/"],
    ["http://h/a%2fb", "h", 80, "h", "/a%2fb/"],
    ["http://h/caf\u00e9", "h", 80, "h", "/caf%C3%A9/"],
    ["http://h//a", "h", 80, "h", "//a/"],
    ["http://h/@a:b", "h", 80, "h", "/@a:b/"],
    ["http://b\u00fccher.example/", "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/"],
  ];
  for (const [url, hostname, port, authority, basePath] of rows) {
    const address = parseOriginUrl(url);
    assertEquals(address?.endpoint, { hostname, port }, url);
    assertEquals(address?.isTls, /^https:/i.test(url), url);
    assertEquals([address?.authority, address?.basePath], [authority, basePath], url);
    assertEquals(address?.text, new URL(url).href, url);
  }
});

Deno.test("parseOriginUrl takes the path of a Unix socket", () => {
  for (const path of ["/run/app.sock", "/x", "/run/%41:b@c", "//run/app.sock"]) {
    assertEquals(parseOriginUrl(`unix:${path}`), {
      endpoint: { socketPath: path },
      isTls: false,
      authority: "localhost",
      basePath: "/",
      text: `unix:${path}`,
    });
  }
});

Deno.test("parseOriginUrl refuses everything else", () => {
  const texts = [
    ...[
      "",
      "/",
      "x",
      "localhost",
      "localhost:3000",
      "127.0.0.1:3000",
      "//localhost/",
      "http:",
      "http://",
    ],
    ...["http:/localhost/", "http:localhost", "http:///localhost/", "http:////localhost/"],
    ...["ftp://localhost/", "ws://localhost/", "file:///run/app.sock", "httpx://localhost/"],
    ...["http://user@localhost/", "http://user:secret@localhost/", "http://@localhost/"],
    ...["http://localhost/?", "http://localhost/?q", "http://localhost/#", "http://localhost/#f"],
    ...[" http://localhost/", "http://localhost/ ", "http://local host/", "http://localhost/\n"],
    ...["http://localhost\\evil/", "http:\\\\localhost/", "http://localhost/a\\b"],
    ...[
      "http://localhost:99999/",
      "http://localhost:x/",
      "http://[::1/",
      "http://[fe80::1%25eth0]/",
    ],
    ...["http://localhost:0/", "http://a..b%00/", "http://%zz/"],
    ...[
      "unix:",
      "unix:run/app.sock",
      "unix:/",
      "unix:/run/",
      "unix:/run/app sock",
      "unix:/a?b",
      "unix:/a#b",
    ],
    ...["UNIX:/run/app.sock", "unix:/run/app.sock\n"],
  ];
  for (const text of texts) assertEquals(parseOriginUrl(text), undefined, JSON.stringify(text));
});
