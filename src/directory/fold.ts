/**
 * The case-insensitive form in which text is compared, in SQL and in memory. Collations differ between SQLite (ASCII
 * only), MySQL and MariaDB, so no comparison uses them.
 */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}
