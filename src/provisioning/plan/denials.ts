/** So many objects that one credential may not write to are no coincidence, unless there are far more of them. */
const SEVERAL = 3;
const SHARE = 0.05;

/**
 * Whether the same refusal speaks of the credential rather than of the groups it stopped, as long as nothing was allowed:
 *
 * | groups stopped by it      | then            |
 * | ------------------------- | --------------- |
 * | one                       | that group's    |
 * | all of two or more        | the credential's |
 * | at least 3, at least 5 %  | the credential's |
 * | fewer                     | those groups'   |
 */
export function isDeniedEverywhere(stopped: number, all: number): boolean {
  return stopped >= Math.max(SEVERAL, all * SHARE) || (stopped >= 2 && stopped === all);
}
