import type { Problem } from "../problems";

/** Source: Cloud Storage, "Soft delete": a retention is 7 to 90 days, or 0 to switch it off. */
export function modelBucketProblems({ softDeleteDays: days }: { readonly softDeleteDays?: number | undefined }, path: string): Problem[] {
    if (days === undefined || (Number.isInteger(days) && (days === 0 || (days >= 7 && days <= 90)))) {
        return [];
    }
    return [
        {
            path: `${path}.softDeleteDays`,
            found: days,
            allowed: "0 or a whole number from 7 to 90",
            remedy: "give days; 0 switches soft delete off",
        },
    ];
}

export const softDeleteSeconds = (days = 7) => days * 24 * 60 * 60;
