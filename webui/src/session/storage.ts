/** The browser's storage, which may be full. */

/** Keep a value; false where there is no room for it. Then an older value is gone too, for it would be wrong. */
export function keepIn(storage: Storage, key: string, value: string): boolean {
  try {
    storage.setItem(key, value);
    return true;
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== "QuotaExceededError") throw error;
    storage.removeItem(key);
    return false;
  }
}
