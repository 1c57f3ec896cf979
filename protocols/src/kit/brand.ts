declare const brand: unique symbol;

/** A value that only its parser can make, so that one kind of identity cannot stand in for another. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
