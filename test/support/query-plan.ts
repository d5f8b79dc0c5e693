/**
 * Whether SQLite scans a whole table or index. A scan of a subquery's result is not counted.
 *
 * @param plan the `detail` of each row of EXPLAIN QUERY PLAN
 */
export function walksTable(plan: readonly string[]): boolean {
  const parts = new Set(plan.flatMap((step) => /^(?:CO-ROUTINE|MATERIALIZE) (\S+)/.exec(step)?.[1] ?? []));
  return plan.some((step) => {
    const walked = /^SCAN (\S+)/.exec(step)?.[1];
    return walked !== undefined && walked !== 'CONSTANT' && !parts.has(walked);
  });
}
