"""What the kind `similarity` measures.

images      measures of pictures: SSIM, MS-SSIM, sharpness, diversity, masks
neighbours  how near samples come to the images the student learned from
references  the sets that samples are held against
pairs       teacher images beside the student's copies of them
samples     what the student invents, as a set
figures     values with their intervals, as rows
"""
