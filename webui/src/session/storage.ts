/** Browser storage, which may be full. */

/** Save a value. Returns false if storage is full; the outdated value is removed then. */
export function saveTo(storage: Storage, key: string, value: string): boolean {
  try {
    storage.setItem(key, value);
    return true;
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== "QuotaExceededError") throw error;
    storage.removeItem(key);
    return false;
  }
}
