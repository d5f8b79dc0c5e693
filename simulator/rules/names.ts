/**
 * The name as PagerDuty stores it. It trims user names and collapses spaces inside (Terraform's provider has seen both).
 * That it does the same with team names is an assumption. It is the harder case for a client: the stored name can differ
 * from the one sent.
 */
export function storedName(name: string): string {
  return name.trim().replace(/\s+/gu, ' ');
}

/** Two teams cannot have the same name key. PagerDuty's own client says that most names ignore case. */
export function nameKey(name: string): string {
  return storedName(name).normalize('NFC').toLowerCase();
}
