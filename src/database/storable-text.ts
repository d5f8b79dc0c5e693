// Databases cut at U+0000 or refuse it, and a lone surrogate becomes U+FFFD on its way into UTF-8: either would be
// stored as another text than the one that was compared.
const UNSTORABLE = /[\0\p{Surrogate}]/u;

export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text);
}
