/** The distinct values that a policy lists, up to a limit. */
export class ShortList {
  private readonly values = new Set<string>();
  private characters = 0;

  public constructor(
    private readonly max: number,
    private readonly maxCharacters = Infinity,
  ) {}

  /**
   * Adds the value if there is room, and returns whether it is on the list.
   *
   * @param characters how many characters of the list's limit the value uses
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
