/**
 * How PagerDuty keeps a name: it trims user names and collapses inner runs of spaces (Terraform's provider met both).
 * That it does so for team names is an assumption, and the unkind one: what is read back may differ from what was sent.
 */
export function storedName(name: string): string {
  return name.trim().replace(/\s+/gu, ' ');
}

/** Two teams whose names have one key cannot coexist. Case-insensitive by PagerDuty's client's word for most resources. */
export function nameKey(name: string): string {
  return storedName(name).normalize('NFC').toLowerCase();
}
