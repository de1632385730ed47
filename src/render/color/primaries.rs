//! From one set of primaries to another, by way of CIE XYZ. Pure.

/// x and y of red, green, blue and white.
pub type Points = [(f64, f64); 4];

/// Rows of three.
pub type Matrix = [[f64; 3]; 3];

/// IEC 61966-2-1's.
pub const SRGB: Points = [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290)];

/// Bradford's cone responses, in which one white is made another.
const BRADFORD: Matrix = [
    [0.8951, 0.2664, -0.1614],
    [-0.7502, 1.7135, 0.0367],
    [0.0389, -0.0685, 1.0296],
];

/// What makes linear sRGB of the linear light of these primaries, white of white. `None`: they span no colours.
pub fn to_srgb(from: Points) -> Option<Matrix> {
    let back = inverse(xyz(SRGB)?)?;
    let adapted = product(adaptation(from[3], SRGB[3])?, xyz(from)?);
    let all = product(back, adapted);
    all.iter().flatten().all(|v| v.is_finite()).then_some(all)
}

/// Of a colour, X Y Z with a Y of 1.
fn point((x, y): (f64, f64)) -> [f64; 3] {
    [x / y, 1.0, (1.0 - x - y) / y]
}

fn xyz(points: Points) -> Option<Matrix> {
    let [red, green, blue, white] = points.map(point);
    let columns: Matrix = std::array::from_fn(|row| [red[row], green[row], blue[row]]);
    let share = apply(inverse(columns)?, white);
    Some(columns.map(|row| std::array::from_fn(|i| row[i] * share[i])))
}

fn adaptation(from: (f64, f64), to: (f64, f64)) -> Option<Matrix> {
    let [from, to] = [from, to].map(|white| apply(BRADFORD, point(white)));
    let scaled: Matrix = std::array::from_fn(|row| BRADFORD[row].map(|v| v * to[row] / from[row]));
    Some(product(inverse(BRADFORD)?, scaled))
}

/// A matrix on a colour.
pub fn apply(m: Matrix, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

fn product(a: Matrix, b: Matrix) -> Matrix {
    a.map(|row| std::array::from_fn(|column| (0..3).map(|i| row[i] * b[i][column]).sum()))
}

fn inverse(m: Matrix) -> Option<Matrix> {
    let minor = |row: usize, column: usize| {
        let at = |i: usize, j: usize| m[(row + i) % 3][(column + j) % 3];
        at(1, 1) * at(2, 2) - at(1, 2) * at(2, 1)
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * minor(0, column)).sum();
    (determinant.abs() > 1e-9).then(|| std::array::from_fn(|i| std::array::from_fn(|j| minor(j, i) / determinant)))
}
