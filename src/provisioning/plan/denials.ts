/** If one credential may not write to this many objects, that is no coincidence. */
export const SEVERAL = 3;

/**
 * Whether the same refusal for this many groups may come from the credential and not from the groups. If so, the
 * engine asks the target about the credential:
 *
 * | groups with this refusal | then  |
 * | ------------------------ | ----- |
 * | one                      | no    |
 * | all of two or more       | maybe |
 * | at least 3               | maybe |
 * | fewer                    | no    |
 */
export function mayBeDeniedEverywhere(stopped: number, all: number): boolean {
  return stopped >= SEVERAL || (stopped >= 2 && stopped >= all);
}
