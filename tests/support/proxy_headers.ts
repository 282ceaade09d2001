/** PROXY headers, one character per byte. Those of version 2 are as haproxy 2.6 has sent them. */

export const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

export const V1_IPV4 = "PROXY TCP4 203.0.113.5 198.51.100.1 5000 443\r\n";
export const V1_IPV6 = "PROXY TCP6 2001:db8::5 2001:db8::1 5000 443\r\n";

/** The same two connections. */
export const V2_IPV4 = fromHex("0d0a0d0a000d0a515549540a2111000ccb007105c6336401138801bb");
export const V2_IPV6 = fromHex(
  "0d0a0d0a000d0a515549540a2121002420010db800000000000000000000000520010db80000000000000000" +
    "00000001138801bb",
);

/** With checksum, name asked for, id, and TLS version and cipher. */
export const V2_WITH_EXTRAS = fromHex(
  "0d0a0d0a000d0a515549540a21110062cb007105c6336401138801bb" +
    "03000483e0b87502001172656c61792e6578616d706c652e636f6d05000d43423030373130353a31333838" +
    "2000280100000000210007544c5376312e33230016544c535f4145535f3235365f47434d5f534841333834",
);

/** A health check. */
export const V2_LOCAL = fromHex("0d0a0d0a000d0a515549540a20000000");

/** A header of version 2, put together: version and command, family and transport, the rest. */
export function toBinaryHeader(command: number, kind: number, rest = ""): string {
  const numbers = [command, kind, rest.length >> 8, rest.length & 255];
  return SIGNATURE + String.fromCharCode(...numbers) + rest;
}

export function fromHex(digits: string): string {
  return digits.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)));
}
