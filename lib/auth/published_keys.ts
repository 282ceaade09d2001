/**
 * Secrets that stand in documentation, standards, comics and tutorials, whatever they would be
 * worth had nobody printed them. A key that contains one is refused.
 *
 * Each has at least 12 letters and digits: a shorter one would turn up in random base64 by chance
 * too often, and fails the estimator anyway.
 */
const PUBLISHED_KEYS: readonly string[] = [
  // Passphrases held up as examples: XKCD 936, EFF, Diceware, The Intercept, the RSA-129 prize.
  "correct horse battery staple",
  "panoramic nectar precut smith banana handclap",
  "cleft cam synod lacy yr wok",
  "cap liz donna demon self",
  "bang vivo thread duct knob train",
  "brig alert rope welsh foss rang orb",
  "the magic words are squeamish ossifrage",
  // Placeholders.
  "secretpassword",
  "password1234",
  "supersecretkey",
  "supersecrettoken",
  "my_secret_api_key",
  "my_secret_token",
  "thisisasecret",
  "thisismysecret",
  "your_secret_key",
  "your_secret_here",
  "your_api_key_here",
  "your_key_goes_here",
  "insert_your_key",
  "put_your_key_here",
  "paste_your_key",
  "please_change_me",
  "please_change_this",
  "change_me_please",
  "change_this_key",
  "change_this_password",
  "change_this_secret",
  "replace_this_with",
  "replace_me_with",
  "replace_with_your",
  "do_not_use_in_production",
  "not_for_production",
  "django-insecure",
  "development_secret",
  "your-256-bit-secret",
  "at-least-256-bits-long",
  "at-least-32-characters",
  "a_long_random_string",
  // Alphabets, pangrams, quotations, numbers.
  "abcdefghijklmnopqrstuvwxyz",
  "0123456789abcdef",
  "the quick brown fox",
  "quick brown fox jumps",
  "jumps over the lazy dog",
  "lorem ipsum dolor",
  "dolor sit amet",
  "to be or not to be",
  "may the force be with you",
  "all your base are belong to us",
  "never gonna give you up",
  "it was the best of times",
  "call me ishmael",
  "the lord is my shepherd",
  "four score and seven",
  "we the people of the united states",
  "in the beginning god created",
  "our father who art in heaven",
  "twinkle twinkle little star",
  "mary had a little lamb",
  "31415926535897932384",
  "27182818284590452353",
  "14142135623730950488",
  "16180339887498948482",
  // BIP-39 test mnemonics.
  "abandon abandon abandon",
  "legal winner thank year wave sausage",
  "letter advice cage absurd amount doctor",
  // Keys: AWS and WireGuard documentation, RFC 7515 A.1, RFC 4231, hashes of nothing and of
  // "password".
  "wJalrXUtnFEMI/K7MDENG",
  "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
  "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
  "gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA=",
  "AyM1SysPpbyfDfZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
  "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
  "XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=",
];

const LOOKALIKES: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "!": "i",
  "l": "i",
  "3": "e",
  "4": "a",
  "@": "a",
  "5": "s",
  "$": "s",
  "7": "t",
};

const SKELETONS: readonly string[] = PUBLISHED_KEYS.map(toSkeleton);

/** Whether a key contains a published secret, in any case, with any separators or l33t spelling. */
export function isPublished(key: string): boolean {
  const skeleton = toSkeleton(key);
  return SKELETONS.some((published) => skeleton.includes(published));
}

/** Letters and digits in lower case, with those that stand in for each other made one. */
function toSkeleton(text: string): string {
  return text.toLowerCase().replace(/[01!l34@5$7]/g, (char) => LOOKALIKES[char] ?? char)
    .replace(/[^a-z0-9]/g, "");
}
