/** As many distinct values as a policy may list. */
export class ShortList {
  private readonly values = new Set<string>();
  private characters = 0;

  public constructor(
    private readonly max: number,
    private readonly maxCharacters = Infinity,
  ) {}

  /**
   * Whether the value is on the list. Puts it there as long as there is room.
   *
   * @param characters how many of the characters that the list may have the value takes
   */
  public admits(value: string, characters = 0): boolean {
    if (this.values.has(value)) return true;
    if (this.values.size >= this.max || this.characters + characters > this.maxCharacters) return false;
    this.values.add(value);
    this.characters += characters;
    return true;
  }

  /** The value, or a wildcard for one that is not on the list. */
  public valueOrWildcard(value: string): string {
    return this.admits(value) ? value : '*';
  }
}
