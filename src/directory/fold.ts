/**
 * The one case-insensitive form in which text is compared, in SQL and in memory alike: collations differ between
 * SQLite (ASCII only), MySQL and MariaDB, so none of them is ever asked.
 */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}
