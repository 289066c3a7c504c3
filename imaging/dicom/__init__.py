"""DICOM files as previews: one frame, as its window shows it, marked as no means of diagnosis.

Only what a picture takes is read (PS3.3 C.7.6.3, C.11); all that tells of a patient is passed over
unread. A preview needs no extra package: Pillow decodes what is compressed.
"""
