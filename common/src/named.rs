//! `named!`: enums whose names stand in one place.

/// Defines an enum whose variants have names. serde, `as_str`, `Display` and `from_name` take them from here, so that
/// none of them can drift, and `ALL` leaves no variant out. The enum derives `Serialize` or `Deserialize`, and has no
/// `rename_all`.
#[macro_export]
macro_rules! named {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$of_variant:meta])* $variant:ident = $text:tt,)+
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $($(#[$of_variant])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every one, in the order of the enum.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The name, in JSON and in texts.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The one of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.as_str() == name)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    crate::named! {
        /// Two of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Colour {
            Red = "red",
            /// With a name that no rule makes.
            Ultraviolet = "uv/2",
        }
    }

    #[test]
    fn the_names_are_the_same_everywhere() {
        assert_eq!(Colour::ALL, [Colour::Red, Colour::Ultraviolet]);
        for (colour, name) in Colour::ALL.into_iter().zip(["red", "uv/2"]) {
            assert_eq!((colour.as_str(), colour.to_string().as_str()), (name, name));
            assert_eq!(serde_json::to_value(colour).unwrap(), name);
            assert_eq!(serde_json::from_value::<Colour>(name.into()).unwrap(), colour);
            assert_eq!(Colour::from_name(name), Some(colour));
        }
        assert_eq!(Colour::from_name("Red"), None);
    }
}
