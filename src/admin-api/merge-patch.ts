export type JsonObject = Record<string, unknown>;

/** Applies a JSON merge patch (RFC 7396 §2). Returns a new value and changes neither argument. */
export function mergePatch(target: object, patch: object): JsonObject {
  const merged: JsonObject = { ...target };
  for (const [name, value] of Object.entries(patch) as [string, unknown][]) {
    if (value === null) delete merged[name];
    else if (isObject(value)) merged[name] = mergePatch(isObject(merged[name]) ? merged[name] : {}, value);
    else if (value !== undefined) merged[name] = value;
  }
  return merged;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
