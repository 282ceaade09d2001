/** Addresses of relays. */

/**
 * What is wanted in place of a relay's address; undefined where it is right: no user information (it
 * would be a secret), no query, no fragment.
 */
export function checkRelayUrl(text: string): string | undefined {
  const url = URL.parse(text);
  const isRelayUrl = url !== null && /^https?:\/\//i.test(text) && url.username === "" &&
    url.password === "" && !/[?#@\s]/.test(text);
  return isRelayUrl
    ? undefined
    : "an http:// or https:// URL, without user name, password, query and fragment";
}
