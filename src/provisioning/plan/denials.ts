/** So many objects that one credential may not write to are no coincidence. */
export const SEVERAL = 3;

/**
 * Whether the same refusal, met by so many groups, may speak of the credential rather than of them, so that the target is
 * asked about it:
 *
 * | groups stopped by it | then  |
 * | -------------------- | ----- |
 * | one                  | no    |
 * | all of two or more   | maybe |
 * | at least 3           | maybe |
 * | fewer                | no    |
 */
export function mayBeDeniedEverywhere(stopped: number, all: number): boolean {
  return stopped >= SEVERAL || (stopped >= 2 && stopped >= all);
}
