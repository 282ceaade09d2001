/** Which files are compressed already, so that deflating them again costs time and gains nothing. */

const COMPRESSED_EXTENSIONS: ReadonlySet<string> = new Set(
  [
    "avif gif heic heif jp2 jpeg jpg jxl png webp",
    "aac flac m4a m4b mka mp3 oga ogg opus wma",
    "3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg ogv webm wmv",
    "7z br bz2 cab gz lz lz4 lzma rar tbz2 tgz txz xz z zip zst",
    "apk appimage crx deb docx epub ipa jar msi odp ods odt pdf pptx rpm whl xlsx xpi",
    "age gpg woff woff2",
  ].flatMap((line) => line.split(" ")),
);

/** True where a file of this name is most likely compressed or encrypted, going by its extension. */
export function isCompressedName(name: string): boolean {
  const [, extension = ""] = /\.([^.]*)$/.exec(name) ?? [];
  return COMPRESSED_EXTENSIONS.has(extension.toLowerCase());
}
