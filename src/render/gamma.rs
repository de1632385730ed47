//! Gamma ramps: what a client (a night light) set on the output, applied to each composed picture.

/// How many entries a ramp has: one for each value of a colour.
pub const SIZE: usize = 256;

/// The ramps of red, green and blue. They change the picture: ramps that do not are no [`Ramps`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ramps(Box<[[u8; SIZE]; 3]>);

/// What is wrong with ramps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLength;

impl Ramps {
    /// From `wlr-gamma-control`'s table: the 16-bit entries of red, green and blue, in the machine's byte order. `None`:
    /// they change nothing.
    pub fn from_table(table: &[u8]) -> Result<Option<Self>, WrongLength> {
        let entries = table.as_chunks::<2>().0;
        if table.len() != SIZE * 3 * 2 {
            return Err(WrongLength);
        }
        let mut ramps = Box::new([[0; SIZE]; 3]);
        for (to, from) in ramps.as_flattened_mut().iter_mut().zip(entries) {
            // 0 and 65535 are 0 and 255, and between them it is rounded.
            *to = ((u32::from(u16::from_ne_bytes(*from)) * 255 + 32_767) / 65_535) as u8;
        }
        let identity = ramps.iter().all(|ramp| (0u8..=255).eq(ramp.iter().copied()));
        Ok((!identity).then_some(Self(ramps)))
    }

    /// `to` is `from` (B G R x, as long) through the ramps.
    pub fn apply(&self, from: &[u8], to: &mut [u8]) {
        let [red, green, blue] = &*self.0;
        for (to, from) in to.as_chunks_mut::<4>().0.iter_mut().zip(from.as_chunks::<4>().0) {
            *to = [
                blue[usize::from(from[0])],
                green[usize::from(from[1])],
                red[usize::from(from[2])],
                from[3],
            ];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entry: impl Fn(usize, usize) -> u16) -> Vec<u8> {
        let entry = &entry;
        let all = (0..3).flat_map(|colour| (0..SIZE).map(move |i| entry(colour, i)));
        all.flat_map(u16::to_ne_bytes).collect()
    }

    #[test]
    fn ramps_that_change_nothing_are_none() {
        let identity = table(|_, i| (i * 257) as u16);
        assert_eq!(Ramps::from_table(&identity), Ok(None));
        assert_eq!(Ramps::from_table(&identity[1..]), Err(WrongLength));
        assert_eq!(Ramps::from_table(&[]), Err(WrongLength));
    }

    #[test]
    fn each_colour_goes_through_its_own() {
        let halved = table(|colour, i| (i * 257) as u16 >> colour);
        let ramps = Ramps::from_table(&halved).unwrap().unwrap();
        let mut out = [0; 8];
        ramps.apply(&[200, 200, 200, 7, 255, 255, 255, 9], &mut out);
        assert_eq!(out, [50, 100, 200, 7, 64, 127, 255, 9]);
    }
}
